// The status line: a change of status of entries written earlier, as a line of its own in the
// active segment.
//
//   {"version":2,"status":"STATUS","timestamp":"…","destination":"sqlite","entry_type":"status",
//    "mark":"DELIVERED","reason":"…","ids":["…","…"]}
//
// `status` is none of the three words of an entry, so the reference skips the line in replay and in
// sampling. An empty `destination` means every destination. `reason` is there for permanent
// failures only.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"

namespace nexus::wal {

/// A status line has at most this many ids: a batch of more becomes several lines.
inline constexpr std::size_t ids_per_status_line_max = 1000;

struct status_change {
  core::status mark = core::status::delivered;
  std::string destination;  ///< empty: all of them
  std::string reason;
  std::vector<std::string> ids;
};

/// Appends the line's JSON.
void append_json(std::string& out, const status_change& change, std::string_view timestamp);

/// The change, if `line` (a parsed line of type "status") is one; nothing if it is malformed.
std::optional<status_change> parse_status_change(const core::entry& line);

}  // namespace nexus::wal
