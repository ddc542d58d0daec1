// What is in the directory: its segments, which entries of them are pending, and which have failed
// for good. Belongs to one thread at a time; the log guards it with its mutex.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/entry.hpp"
#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/entry_head.hpp"
#include "wal/failure_note.hpp"
#include "wal/pending_index.hpp"
#include "wal/scan.hpp"
#include "wal/status_line.hpp"

namespace nexus::wal {

/// What has become of an entry, where its own line does not say so and it was not delivered.
struct outcome {
  core::status is = core::status::permanent_failure;
  std::uint32_t reason = 0;  ///< the catalog's number of the failure's reason
  core::time_point at;       ///< of the failure
};

/// One segment and what its own lines don't say yet.
struct segment {
  std::uint32_t number = 0;
  std::string name;
  std::uint64_t size =
      0;  ///< bytes that count; the file may be longer (preallocated, or a poisoned tail)
  bool is_own = false;        ///< begun by this very log object: its lines are as we write them
  bool sealed = false;        ///< nothing is written to it any more
  std::uint64_t pending = 0;  ///< entries in it that wait
  std::uint64_t unsettled =
      0;  ///< entries in it whose line still says something else than what has become of them
  std::uint64_t status_lines = 0;  ///< of this segment, whatever entries they are about
  std::uint64_t wrapped = 0;  ///< entries compressed or between sentinels: v0.1.2 can't read them
  std::uint32_t newest_seconds = 0;  ///< the latest timestamp of its entries, see unix_seconds
  std::string key_id;                ///< of the key its lines are encrypted with; empty: plain
  /// Those of the unsettled entries that were not delivered, by the offset of their line.
  boost::unordered_flat_map<std::uint64_t, outcome> exceptions;
};

/// The number of the dead-letter file, which stands before all segments.
inline constexpr std::uint32_t dead_letter_number = 0;
/// Its name in the log's directory.
inline constexpr std::string_view dead_letter_name = "dead-letter.jsonl";

class catalog {
 public:
  /// `format` and `files` must outlive it.
  catalog(std::string directory, core::file_system& files, const line_format& format);

  /// Adds the newest segment.
  segment& add_segment(std::string name);
  /// Adds the dead-letter file, before any segment or after.
  segment& add_dead_letters();
  segment& at(std::uint32_t number) { return segments_.at(number); }
  const segment& at(std::uint32_t number) const { return segments_.at(number); }
  /// Oldest first, the dead-letter file (if there is one) before them.
  std::map<std::uint32_t, segment>& segments() noexcept { return segments_; }
  const std::map<std::uint32_t, segment>& segments() const noexcept { return segments_; }
  /// The newest segment; null if there is none.
  segment* newest() noexcept;
  const segment* newest() const noexcept { return const_cast<catalog*>(this)->newest(); }
  /// How many segments there are; the dead-letter file is none.
  std::size_t segment_count() const noexcept {
    return segments_.size() - segments_.count(dead_letter_number);
  }
  /// Whether all segments before this one are settled: then nobody needs its status lines.
  bool settled_before(std::uint32_t number) const noexcept;
  const pending_index& index() const noexcept { return index_; }
  std::string path(const segment& which) const { return directory_ + "/" + which.name; }

  /// Takes in an entry that waits, whose line stands at `where`. `hashes`: the index's of its name;
  /// `seconds`: its timestamp, see unix_seconds.
  void add_pending(const entry_name& name, const pending_index::name_hashes& hashes,
                   location where, std::uint32_t seconds);

  /// Takes in a line that was read.
  void add_line(segment& in, const scanned_line& line);

  /// Changes the status of the entries that are pending (for REDRIVEN and PURGED: that have failed)
  /// under these ids. Returns what has changed: without the ids that were neither, with those that
  /// shared an idempotency key.
  status_change apply(const status_change& change);

  /// The true status of an entry whose line stands at `where`, if it is one of ours to know.
  core::status resolve(const entry_head& head, location where) const;

  /// Why the entry at `where` has failed, if its own line does not say so.
  std::optional<failure_note> failure_at(location where) const;

  /// Where the lines of the permanent failures stand, oldest first.
  std::vector<location> dead_letters() const;
  std::uint64_t dead_letter_count() const noexcept { return dead_count_; }
  /// Whether the line at `where` is that of a permanent failure.
  bool is_dead_letter(std::string_view payload_id, std::string_view destination,
                      location where) const;

  /// A settled segment has taken the place of an old one: the line of an entry that is pending or
  /// has failed has moved. False if it is neither any more.
  bool relocate(const entry_name& name, location from, location to);

  /// A pending entry's line can't be read any more: it is not handed on, and stays as it is.
  void withhold(pending_index::position at) { index_.withhold(at); }

 private:
  struct hash_of_id {
    std::size_t operator()(const id_hash& id) const noexcept {
      return static_cast<std::size_t>(id[0]);
    }
  };

  bool shares_key(const entry_name& name, location with) const;
  /// A permanent failure.
  struct dead_spot {
    location where;
    core::time_point failed;  ///< the epoch where that is not known
  };
  using dead_spots = std::vector<dead_spot>;

  void add_dead_letter(const scanned_line& line, location where);
  void add_dead(const id_hash& id, dead_spot one);
  bool was_moved(const scanned_line& line, location kept) const;
  /// Whether the dead-letter file has an entry of that name that failed at that time: a crash came
  /// between copying it there and removing its segment, whose line does not know of it yet.
  bool has_copy(const id_hash& id, core::time_point failed) const;
  void apply_to_pending(const status_change& change, status_change& changed);
  void apply_to_dead(const status_change& change, status_change& changed);
  /// Takes the oldest failure of that time out of them; nothing where there is none.
  std::optional<location> take_dead(const id_hash& id, core::time_point failed);
  std::uint32_t intern_reason(const std::string& reason);

  std::string directory_;
  core::file_system& files_;
  const line_format& format_;
  std::map<std::uint32_t, segment> segments_;
  pending_index index_;
  /// The permanent failures: few, so a list for each id, in the order of their places.
  std::unordered_map<id_hash, dead_spots, hash_of_id> dead_;
  std::uint64_t dead_count_ = 0;
  std::vector<std::string> reasons_;
  std::unordered_map<std::string, std::uint32_t> reason_numbers_;
};

/// What to say of a line that was an entry when it was read first, and is of this kind now.
core::error not_whole_any_more(line_kind found);

/// Reads the line at `where` of an open segment. Error `corrupt` if it is not the whole line of an
/// entry.
core::result<core::entry> read_entry(const core::file& source, location where,
                                     line_decoder& decoder);

}  // namespace nexus::wal
