// The entries of one destination that are in memory: ready, waiting for their next attempt, or lent
// to a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "core/entry.hpp"

namespace nexus::actors {

/// An entry on its way, and how often it was tried.
struct travelling {
  core::entry_ptr entry;
  std::size_t bytes = 0;
  std::uint32_t attempts = 0;  ///< those that count
};

/// Counts entries and bytes; the owner keeps them within its limits by adding only what there is
/// room for. Not for use from two threads.
class window {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  std::size_t entries() const noexcept { return entries_; }
  std::size_t bytes() const noexcept { return bytes_; }
  bool has_ready() const noexcept { return !ready_.empty(); }

  /// Takes in an entry, behind all others.
  void add(core::entry_ptr entry);
  /// Lends the oldest ready entries: at most `entries_max` and `bytes_max`, but at least one if
  /// there is one.
  std::vector<travelling> lend(std::size_t entries_max, std::size_t bytes_max);
  /// Takes lent entries back as the next ones to go, in their order.
  void put_back(std::vector<travelling> lent);
  /// Takes a lent entry back, to be ready again at `due`.
  void delay(travelling lent, time_point due);
  /// Forgets a lent entry.
  void release(const travelling& lent);
  /// Makes ready what is due by `now`, before what is ready already.
  void wake(time_point now);
  /// Forgets everything that waits for its next attempt.
  void release_delayed();
  /// When the next delayed entry is due.
  std::optional<time_point> next_due() const;

 private:
  std::deque<travelling> ready_;
  std::multimap<time_point, travelling> delayed_;
  std::size_t entries_ = 0;  ///< all three kinds
  std::size_t bytes_ = 0;
};

}  // namespace nexus::actors
