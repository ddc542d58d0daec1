// Checking a log from outside: every line, and in mode mac the chain of seals. Changes nothing,
// takes no lock; safe beside a running log (what is being written at the moment is not judged).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// What is wrong at one place.
enum class breach {
  damaged_line,     ///< torn, wrong CRC, malformed: an accident, or a clumsy change
  changed_line,     ///< its HMAC does not fit, or is missing in strict mode
  removed_line,     ///< a line stood before this one
  repeated_line,    ///< the same line has stood before
  moved_line,       ///< it stands in another place than it was appended at
  added_line,       ///< it was not there when the segment was sealed
  cut_off,          ///< lines are missing at the end of a sealed segment
  missing_seal,     ///< a segment inside the chain has no seal
  removed_segment,  ///< the segment before this one is missing
  bad_anchor,       ///< the anchor is missing, damaged, or does not fit
};

const char* to_string(breach what) noexcept;

struct finding {
  breach what = breach::damaged_line;
  std::string segment;       ///< file name
  std::uint64_t line = 0;    ///< counted from 1; 0: the whole segment
  std::uint64_t offset = 0;  ///< of that line
  std::string text;          ///< what happened, for people
};

struct verification {
  std::uint64_t segments = 0;
  std::uint64_t sealed = 0;    ///< segments with a seal
  std::uint64_t unsealed = 0;  ///< the active one, and segments from before the chain began
  std::uint64_t lines = 0;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t quarantined = 0;  ///< places of damaged lines that `repair` has taken out
  std::uint64_t breaches = 0;     ///< in all; `findings` holds the first thousand
  /// In the order of the log: the first is where the log stops being what was written.
  std::vector<finding> findings;
};

/// Checks the log in `how.directory`. Errors: `not_found` (no such directory), `bad_config` (see
/// line_format::make, or a key that fits nothing), `io_failed`.
core::result<verification> verify(const options& how);

}  // namespace nexus::wal
