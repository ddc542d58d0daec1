// How much may be on its way to the disk.
#pragma once

#include <atomic>
#include <cstdint>

namespace nexus::actors {

/// What has been handed in and not been answered yet. Any thread.
class admission {
 public:
  admission(std::uint64_t entries_max, std::size_t bytes_max)
      : entries_max_(entries_max), bytes_max_(bytes_max) {}

  /// Takes in entries, all or none; false, and no change, if there is no room. `pending`: entries
  /// in the log. What comes alone is never too large.
  bool enter(std::uint64_t pending, std::size_t count, std::size_t bytes) noexcept {
    const std::uint64_t entries = entries_ += count;
    const std::size_t total = bytes_ += bytes;
    if (pending + entries <= entries_max_ && (total <= bytes_max_ || total == bytes)) return true;
    leave(count, bytes);
    return false;
  }
  void leave(std::size_t count, std::size_t bytes) noexcept {
    entries_ -= count;
    bytes_ -= bytes;
  }

 private:
  const std::uint64_t entries_max_;
  const std::size_t bytes_max_;
  std::atomic<std::uint64_t> entries_ = 0;
  std::atomic<std::size_t> bytes_ = 0;
};

}  // namespace nexus::actors
