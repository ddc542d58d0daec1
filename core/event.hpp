// An event that happens once, and that any number of threads can wait for.
#pragma once

#include <time.h>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace nexus::core {

/// Why not std::atomic::wait or a condition variable: with hundreds of threads on a few cores the
/// first has each of them yield several times before it sleeps, and the second has each of them
/// take a mutex when it is woken. Here a wait is one system call, waking all who wait is one,
/// and where nobody waits there is none.
class event {
 public:
  /// Lets everybody pass who waits, now and later; what was written before is seen by them.
  void set() noexcept;
  /// Returns once it is set.
  void wait() noexcept;
  /// Returns once it is set, or when so much time has passed; says whether it is set. The system's
  /// timer may add 50 us.
  bool wait_for(std::chrono::nanoseconds longest) noexcept;

 private:
  /// `deadline` on the monotonic clock; null: none.
  bool wait_until(const timespec* deadline) noexcept;

  enum : std::uint32_t { open, awaited, happened };
  std::atomic<std::uint32_t> state_{open};
};

}  // namespace nexus::core
