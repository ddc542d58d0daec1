// Names of rotated files: `events.jsonl` becomes `events-20261124T013000.123Z.jsonl`, UTC. They
// sort by time. Internal to the JSON Lines destination.
#pragma once

#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::destinations {

/// The directory that a file stands in.
std::string directory_of(const std::string& path);

/// The rotated files of `path`, oldest first. None if the directory does not exist.
core::result<std::vector<std::string>> rotated_files(core::file_system& files,
                                                     const std::string& path);

/// A name for `path` that comes after all of `rotated`, even where the clock was set back.
std::string next_rotated(const std::string& path, const std::vector<std::string>& rotated,
                         core::time_point now);

}  // namespace nexus::destinations
