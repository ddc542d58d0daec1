#include "core/event.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

namespace nexus::core {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void event::set() noexcept {
  if (state_.exchange(happened, std::memory_order_acq_rel) == awaited)
    ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

void event::wait() noexcept {
  auto seen = state_.load(std::memory_order_acquire);
  while (seen != happened) {
    if (seen == open && !state_.compare_exchange_weak(seen, awaited, std::memory_order_acquire))
      continue;
    // Sleeps only while somebody is still awaited; a signal or a stray wake-up makes it look again.
    ::syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, awaited, nullptr, nullptr, 0);
    seen = state_.load(std::memory_order_acquire);
  }
}

}  // namespace nexus::core
