// Repairing a log offline: what opening does about damage, and taking the damaged lines out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// A damaged line.
struct repaired_line {
  std::string segment;  ///< file name
  std::uint64_t line = 0;
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  std::string reason;
};

struct repair_report {
  std::vector<repaired_line> lines;  ///< taken out, after a copy went into the quarantine
  std::uint64_t quarantined = 0;     ///< copied now; the others had been copied before
  std::uint64_t torn_bytes = 0;      ///< cut off the end of the newest segment
  std::uint64_t leftovers = 0;       ///< temporary files removed
};

/// Repairs the log in `how.directory`, or (`dry_run`) only says what would be done and changes
/// nothing. Undamaged lines are not touched. Errors: `not_found` (no such directory), `locked` (a
/// running program has it), `bad_config` (a key is missing or is another one), or what reading and
/// writing fail with.
core::result<repair_report> repair(const options& how, bool dry_run);

}  // namespace nexus::wal
