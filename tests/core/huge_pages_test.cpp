#include "core/huge_pages.hpp"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "tests/support/catch.hpp"

using nexus::core::huge_page_allocator;

TEST_CASE("large pieces begin on a huge page, and pieces of any size can be used and given back") {
  constexpr std::size_t page = 2 << 20;
  for (const std::size_t count : {std::size_t(1), std::size_t(1000), page / 8 - 1, page / 8,
                                  page / 8 + 1, std::size_t(1'000'000)}) {
    INFO(count);
    std::vector<std::uint64_t, huge_page_allocator<std::uint64_t>> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 1);
    CHECK(numbers.back() == count);
    if (count * 8 >= page) CHECK(reinterpret_cast<std::uintptr_t>(numbers.data()) % page == 0);
  }
}
