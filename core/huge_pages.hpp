// Memory for large tables that are read at random.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <new>

namespace nexus::core {

/// An allocator that asks the kernel for huge pages where a piece is large enough for one. A table
/// of many megabytes that is read at random misses the processor's table of pages each time, and in
/// a virtual machine that costs more than the cache miss itself. Systems differ in whether they
/// give huge pages unasked (/sys/kernel/mm/transparent_hugepage/enabled). Where there are none
/// nothing changes. Any thread.
template <class T>
struct huge_page_allocator {
  using value_type = T;

  huge_page_allocator() = default;
  template <class U>
  huge_page_allocator(const huge_page_allocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < page_bytes) return static_cast<T*>(::operator new(bytes));
    const std::size_t whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;
    void* const memory = std::aligned_alloc(page_bytes, whole);
    if (memory == nullptr) throw std::bad_alloc();
    ::madvise(memory, whole, MADV_HUGEPAGE);  // only advice: there may be none
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    if (count * sizeof(T) < page_bytes) return ::operator delete(memory);
    std::free(memory);
  }

  bool operator==(const huge_page_allocator&) const = default;

 private:
  static constexpr std::size_t page_bytes = 2 << 20;
};

}  // namespace nexus::core
