// Reading a directory into a catalog, and making it fit to be written to again.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// The names of the segments in `directory`, oldest first.
core::result<std::vector<std::string>> segment_names(core::file_system& files,
                                                     const std::string& directory);

/// Called for every line, in order, before the catalog takes it in.
using line_visitor = std::function<void(const segment&, const scanned_line&)>;

/// What must happen to the end of the newest segment before a line may follow it.
struct log_tail {
  std::uint64_t end = 0;       ///< of the last line that is whole, or at least terminated
  bool needs_newline = false;  ///< that line is whole, but its newline is missing
};

/// Reads every segment into `known`, oldest first, and changes nothing on disk.
core::result<log_tail> read_directory(catalog& known, const options& how, const line_format& format,
                                      const line_visitor& visit);

/// Prepares the newest segment of `known` (if there is one) for appending: removes the piece of a
/// line that a crash has left at its end, and syncs what was read, because a killed process may
/// have written without syncing. Returns the open file; null if the next append should begin a new
/// segment (there is none, or it is full).
core::result<std::unique_ptr<core::file>> repair_tail(catalog& known, log_tail tail,
                                                      const options& how);

}  // namespace nexus::wal
