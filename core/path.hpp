// Paths as people write them.
#pragma once

#include <string>

#include "core/result.hpp"

namespace nexus::core {

/// `path` with a leading `~/` replaced by the user's home directory, made absolute from the current
/// directory, without a / at its end. Error `bad_config`: `~name`, or a home directory that nobody
/// knows.
result<std::string> absolute_path(const std::string& path);

}  // namespace nexus::core
