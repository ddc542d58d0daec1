#include "core/event.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace nexus::core {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void event::set() noexcept {
  if (state_.exchange(happened, std::memory_order_acq_rel) == awaited)
    ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void event::wait() noexcept {
  wait_until(nullptr);
}

bool event::wait_for(std::chrono::nanoseconds longest) noexcept {
  // A point in time, so that a signal does not make the wait longer.
  timespec deadline;
  ::clock_gettime(CLOCK_MONOTONIC, &deadline);
  const auto nanoseconds = deadline.tv_nsec + longest.count();
  deadline.tv_sec += nanoseconds / 1'000'000'000;
  deadline.tv_nsec = nanoseconds % 1'000'000'000;
  return wait_until(&deadline);
}

bool event::wait_until(const timespec* deadline) noexcept {
  auto seen = state_.load(std::memory_order_acquire);
  while (seen != happened) {
    if (seen == open && !state_.compare_exchange_weak(seen, awaited, std::memory_order_acquire))
      continue;
    // Sleeps only while somebody is still awaited; a signal or a stray wake-up makes it look again.
    const auto slept = ::syscall(SYS_futex, &state_, FUTEX_WAIT_BITSET_PRIVATE, awaited, deadline,
                                 nullptr, FUTEX_BITSET_MATCH_ANY);
    const bool is_late = slept < 0 && errno == ETIMEDOUT;
    seen = state_.load(std::memory_order_acquire);
    if (is_late) return seen == happened;
  }
  return true;
}

}  // namespace nexus::core
