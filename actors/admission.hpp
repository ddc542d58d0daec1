// How much may be on its way to the disk.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "wal/log.hpp"

namespace nexus::actors {

/// What has been handed in and not been answered yet, and what waits in the log behind it. Any
/// thread.
class admission {
 public:
  /// `entries_max`, `pending_bytes_max`: of what waits in the log and what is on its way there;
  /// `bytes_max`: of what is on its way.
  admission(std::uint64_t entries_max, std::uint64_t pending_bytes_max, std::size_t bytes_max)
      : entries_max_(entries_max), pending_bytes_max_(pending_bytes_max), bytes_max_(bytes_max) {}

  /// Takes in entries, all or none; false, and no change, if there is no room. `pending`: what the
  /// log has. What comes alone, with nothing on its way before it and nothing waiting in the log,
  /// is never too large: else it would be refused for ever.
  bool enter(const wal::pending_size& pending, std::size_t count, std::size_t bytes) noexcept {
    const std::uint64_t entries = entries_ += count;
    const std::size_t total = bytes_ += bytes;
    const bool first = entries == count;  // nothing is on its way
    const bool alone = first && pending.entries == 0;
    const bool may_wait =
        pending.entries + entries <= entries_max_ && pending.bytes + total <= pending_bytes_max_;
    if ((alone || may_wait) && (first || total <= bytes_max_)) return true;
    leave(count, bytes);
    return false;
  }
  void leave(std::size_t count, std::size_t bytes) noexcept {
    entries_ -= count;
    bytes_ -= bytes;
  }

  void set_pending_limits(std::uint64_t entries_max, std::uint64_t bytes_max) noexcept {
    entries_max_ = entries_max;
    pending_bytes_max_ = bytes_max;
  }

 private:
  std::atomic<std::uint64_t> entries_max_;
  std::atomic<std::uint64_t> pending_bytes_max_;
  const std::size_t bytes_max_;
  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace nexus::actors
