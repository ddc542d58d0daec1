// What is in the directory: its segments, and which entries of them are pending. Belongs to one
// thread at a time; the log guards it with its mutex.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/entry_head.hpp"
#include "wal/pending_index.hpp"
#include "wal/scan.hpp"
#include "wal/status_line.hpp"

namespace nexus::wal {

/// One segment and what its own lines don't say yet.
struct segment {
  std::uint32_t number = 0;
  std::string name;
  std::uint64_t size =
      0;  ///< bytes that count; the file may be longer (preallocated, or a poisoned tail)
  bool sealed = false;        ///< nothing is written to it any more
  std::uint64_t pending = 0;  ///< entries in it that wait
  std::uint64_t unsettled =
      0;  ///< entries in it whose line still says PENDING although they don't wait any more
  std::uint64_t status_lines = 0;  ///< of this segment, whatever entries they are about
  /// Those of the unsettled entries that failed; the others were delivered.
  boost::unordered_flat_set<id_hash> failed;
};

class catalog {
 public:
  /// `format` and `files` must outlive it.
  catalog(std::string directory, core::file_system& files, const line_format& format);

  /// Adds the newest segment.
  segment& add_segment(std::string name);
  segment& at(std::uint32_t number) { return segments_.at(number); }
  const segment& at(std::uint32_t number) const { return segments_.at(number); }
  /// Oldest first.
  std::map<std::uint32_t, segment>& segments() noexcept { return segments_; }
  const std::map<std::uint32_t, segment>& segments() const noexcept { return segments_; }
  const pending_index& index() const noexcept { return index_; }
  std::string path(const segment& which) const { return directory_ + "/" + which.name; }

  /// Takes in an entry that waits, whose line stands at `where`. `seconds`: its timestamp, see
  /// unix_seconds.
  void add_pending(const entry_name& name, location where, std::uint32_t seconds);

  /// Takes in a line that was read: a pending entry, or a status line.
  void add_line(segment& in, const scanned_line& line);

  /// Changes the status of the entries that are pending under these ids. Returns the ids that were:
  /// without those that were not pending, with those that shared an idempotency key.
  std::vector<std::string> apply(const status_change& change);

  /// The true status of an entry whose line stands at `where`, if it is one of ours to know.
  core::status resolve(const entry_head& head, location where) const;

  /// A settled segment has taken the place of an old one: a pending entry's line has moved.
  bool relocate(const core::entry& entry, location from, location to) {
    return index_.relocate(entry.payload_id, entry.destination, from, to);
  }

  /// A pending entry's line can't be read any more: it is not handed on, and stays as it is.
  void withhold(pending_index::position at) { index_.withhold(at); }

 private:
  bool shares_key(const entry_name& name, location with) const;

  std::string directory_;
  core::file_system& files_;
  const line_format& format_;
  std::map<std::uint32_t, segment> segments_;
  pending_index index_;
};

/// Reads the line at `where` of an open segment. Error `corrupt` if it is not the whole line of an
/// entry.
core::result<core::entry> read_entry(const core::file& source, location where,
                                     const line_format& format);

}  // namespace nexus::wal
