// From the files in the home directory to checked values (section 4 of the v0.1.2 behaviour):
// `daemon.toml`, `sources/*.toml` and `destinations/*.toml`. Reads everything before it gives up,
// so that one run shows all problems.
//
// The functions here may be called from any thread, as long as no other thread changes the
// environment meanwhile.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/finding.hpp"
#include "config/type_table.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// The home directory: `NEXUS_HOME`, else `BUBBLEFISH_HOME`, made absolute, else `~/.nexus`.
core::result<std::string> default_home();

/// What there is to say about a home directory.
struct examination {
  /// Nothing if one of the findings is an error, other than one about a destination that is not
  /// required: that destination has a `fault`.
  std::optional<config> settings;
  std::vector<finding> findings;  ///< in the order of the files
};

/// Reads and checks the configuration in `home`; `types` are the destination types of this program.
examination examine(const std::string& home, const type_table& types);

/// A configuration that can be used.
struct loaded {
  config settings;
  std::vector<finding> findings;  ///< warnings, and the errors of destinations with a fault
};

/// `examine`, for a program that only wants to start.
/// Error `bad_config`: every finding, one a line; validation failures hold the word SCHEMA_ERROR.
core::result<loaded> load(const std::string& home, const type_table& types);

}  // namespace nexus::config
