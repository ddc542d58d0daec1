// Reading dead letters: the entries that have failed for good, wherever in the log they stand.
// inspect.hpp has the door from outside.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/failure_note.hpp"
#include "wal/format.hpp"
#include "wal/inspect.hpp"
#include "wal/log.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Where a dead letter stands, and why it failed if its own line does not say so.
struct dead_place {
  location where;
  std::string file;  ///< name
  std::optional<failure_note> note;
};

/// All of them, oldest first.
std::vector<dead_place> dead_places(const catalog& known);

/// Reads those that fit. No settling may run meanwhile. Stops with the first error of `visit`; one
/// that can't be read any more is told in the log and passed over.
core::result<void> read_dead_letters(const std::vector<dead_place>& places, const options& how,
                                     const line_format& format, const dead_letter_filter& which,
                                     const dead_letter_visitor& visit);

}  // namespace nexus::wal
