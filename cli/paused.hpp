// Which destinations the operator has paused, across restarts: the file `paused` in the home
// directory, one name a line.
#pragma once

#include <set>
#include <string>

#include "core/file.hpp"
#include "core/result.hpp"

namespace nexus::cli {

using name_set = std::set<std::string, std::less<>>;

/// The names in the file; none if there is no file. Names of destinations that there are not (any
/// more) are kept, and do no harm. Error `io_failed`.
core::result<name_set> read_paused(core::file_system& files, const std::string& home);

/// Adds a name to the file, or takes it out; atomically, and durable when this returns. Not for two
/// at once. Errors: `io_failed`, `wal_full`; `invalid_argument` for a name with a line break.
core::result<void> write_paused(core::file_system& files, const std::string& home,
                                const std::string& destination, bool paused);

}  // namespace nexus::cli
