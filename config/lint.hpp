// Advice on a configuration: what the loader says of it, and what works but is unwise (section 4.6
// of the v0.1.2 behaviour).
#pragma once

#include <string>
#include <vector>

#include "config/finding.hpp"
#include "config/type_table.hpp"

namespace nexus::config {

/// Everything there is to say about the files in `home`: the loader's findings, and those that
/// docs/configuration.md marks as "lint only". An error of the loader is no reason to say less.
/// Like the loader's functions for any thread, while no other changes the environment.
std::vector<finding> lint(const std::string& home, const type_table& types);

}  // namespace nexus::config
