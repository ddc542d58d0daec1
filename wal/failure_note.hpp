// Why and when an entry failed for good, in the entry's own line: two members at the end of its
// JSON, written when its segment is settled.
//
//   …,"payload":{…},"failed_at":"2026-04-07T01:02:03Z","failure_reason":"…"}
#pragma once

#include <optional>
#include <string>

#include "core/entry.hpp"

namespace nexus::wal {

struct failure_note {
  std::string at;  ///< RFC 3339
  std::string reason;
};

/// Adds the note to an entry that has none.
void add_failure_note(core::entry& to, const failure_note& note);

/// Removes the note from an entry and returns it; nothing if it has none.
std::optional<failure_note> take_failure_note(core::entry& from);

}  // namespace nexus::wal
