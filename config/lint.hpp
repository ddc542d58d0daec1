// Advice on a configuration: what the loader says of it, and what works but is unwise (section 4.6
// of the v0.1.2 behaviour).
#pragma once

#include <string>
#include <vector>

#include "config/finding.hpp"
#include "config/type_table.hpp"

namespace nexus::config {

/// Everything there is to say about the files in `home`. Beside the loader's findings these
/// warnings: `dangerous_bind`, `missing_idempotency`, `literal_key` (not in mode "simple"),
/// `unsafe_proxy_cidr`.
std::vector<finding> lint(const std::string& home, const type_table& types);

}  // namespace nexus::config
