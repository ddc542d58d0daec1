// Whether anybody listens at an address.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/result.hpp"

namespace nexus::actors {

/// Connects to `host` (a name or an address) and hangs up. Blocks until `deadline` at most, but for
/// the resolver, which has limits of its own. Error: `unreachable`.
core::result<void> reach(const std::string& host, std::uint16_t port,
                         std::chrono::steady_clock::time_point deadline);

}  // namespace nexus::actors
