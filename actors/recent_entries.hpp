// The entries that were committed last, so that whoever fetches them a moment later gets them from
// memory: reading them back from the log costs more than appending them.
#pragma once

#include <cstddef>
#include <deque>

#include "actors/protocol.hpp"
#include "core/entry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// Of one thread. Positions have no gap.
class recent_entries {
 public:
  explicit recent_entries(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// `entry` stands at `at`. Where that is not the next position, everything before is forgotten.
  void add(wal::position at, core::entry_ptr entry);
  /// Forgets the oldest until the rest is within the limit. What was added before stays readable
  /// until then.
  void trim();
  /// Forgets what stands before `at`: everybody has it.
  void forget_before(wal::position at);
  void clear();

  /// Whether it has every entry that stands at or after `from` and before the end of what was
  /// added, and there is one.
  bool reaches(wal::position from) const noexcept { return from >= begin_ && from < end(); }

  /// What log::read_pending would say if none of them had been marked, `at_end` always false. Needs
  /// `reaches(what.from)`.
  wal::pending_batch read(const fetch_request& what) const;

 private:
  struct kept {
    core::entry_ptr entry;
    std::size_t bytes;  ///< its weight: looking at an old entry again costs its way into the caches
  };

  void forget_first();
  wal::position end() const noexcept { return begin_ + entries_.size(); }

  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  wal::position begin_ = 0;
  std::deque<kept> entries_;
};

}  // namespace nexus::actors
