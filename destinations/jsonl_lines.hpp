// Lines out of a file of JSON Lines. Internal to that destination.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "core/result.hpp"

namespace nexus::destinations {

/// The member `payload_id` of a line; empty if it has none, or is no JSON object.
std::string payload_id_of(std::string_view line);

/// Hands each whole line of `from` that begins at `begin` or later to `visit`, without its newline.
/// Returns where the last of them ends, `begin` if there is none: what follows is a line that was
/// never finished. `begin` may be in the middle of a line, which is passed over. Holds one line in
/// memory.
core::result<std::uint64_t> for_each_line(const core::file& from, std::uint64_t begin,
                                          const std::function<void(std::string_view)>& visit);

}  // namespace nexus::destinations
