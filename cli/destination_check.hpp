// Whether destinations can be used as they are configured, asked without a server.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "config/config.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::cli {

/// What became of testing a destination.
struct destination_verdict {
  config::destination_config which;
  core::result<void> outcome;  ///< errors: those of actors::test_destination, and `bad_config` with
                               ///< the findings about its table, one a line
};

/// Tests all of them at once, each on a thread of its own (actors::test_destination); writes
/// nothing. `timeout_max` bounds each one's own timeout.
std::vector<destination_verdict> test_destinations(
    const std::vector<config::destination_config>& which, const destinations::registry& types,
    std::optional<std::chrono::milliseconds> timeout_max = {});

}  // namespace nexus::cli
