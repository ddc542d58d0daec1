// How many files and sockets this process may have open.
#pragma once

#include <cstddef>
#include <optional>

namespace nexus::cli {

/// Raises the limit to `enough`, as far as this process may; never lowers it. Returns the limit
/// that holds then; nothing where the system does not say.
std::optional<std::size_t> raise_file_limit(std::size_t enough);

}  // namespace nexus::cli
