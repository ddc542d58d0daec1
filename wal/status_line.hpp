// The log's own notes between the entries, as lines of the active segment. Their `status` is none
// of the words of an entry, so the reference passes them over, in replay and in sampling.
//
// The status line: a change of status of entries written earlier.
//
//   {"version":2,"status":"STATUS","timestamp":"…","destination":"sqlite","entry_type":"status",
//    "mark":"DELIVERED","reason":"…","ids":["…","…"]}
//
// `mark` is DELIVERED, PERMANENT_FAILURE (only this one has a `reason`), REDRIVEN or PURGED. The
// first two change pending entries; an empty `destination` means every destination. The other two
// change permanent failures: each id takes the oldest one of that id and destination that failed at
// the time beside it in `failed_at` (a list like `ids`). An entry that was redriven may fail again,
// and its first failure may be settled while this line is still read at each start: without the
// time it would take the second one then.
//
// The synced note: how many bytes of this segment were on disk for sure when the note was written.
// After a crash, damage before that place is damage, behind it may be a write that was cut off.
//
//   {"version":2,"status":"STATUS","timestamp":"…","entry_type":"synced","offset":1048576}
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"

namespace nexus::wal {

/// A status line has at most this many ids: a batch of more becomes several lines.
inline constexpr std::size_t ids_per_status_line_max = 1000;
/// The same for the bytes of its ids, unless it has one only. With every byte escaped and the line
/// encrypted it is still a line that the reference can read.
inline constexpr std::size_t id_bytes_per_status_line_max = 1 << 20;
/// What a failure's reason is cut to.
inline constexpr std::size_t reason_bytes_max = 64 << 10;

struct status_change {
  core::status mark = core::status::delivered;
  std::string destination;  ///< empty: all of them
  std::string reason;
  std::vector<std::string> ids;
  std::string at{};  ///< RFC 3339; when it happened
  /// REDRIVEN and PURGED: when each of `ids` failed, in RFC 3339, or an empty text where that is
  /// not known. Empty in lines of older versions, and for the other marks.
  std::vector<std::string> failed_at{};
};

/// Appends the line's JSON.
void append_json(std::string& out, const status_change& change);

/// The change, if `line` (a parsed line of type "status") is one; nothing if it is malformed.
std::optional<status_change> parse_status_change(const core::entry& line);

/// Appends the JSON of a synced note.
void append_synced_json(std::string& out, std::uint64_t offset, std::string_view timestamp);

/// The offset, if `line` (a parsed line of type "synced") is a synced note.
std::optional<std::uint64_t> parse_synced(const core::entry& line);

/// The id of the key that a segment is encrypted with, if `line` (a parsed line of type "segment",
/// see line_encoder::append_header) is the header of an encrypted segment.
std::optional<std::string> parse_key_id(const core::entry& line);

}  // namespace nexus::wal
