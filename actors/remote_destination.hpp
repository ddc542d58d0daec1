// The built-in destination type "actor": a destination actor in another process (docs:
// destinations/actor.md).
#pragma once

#include "destinations/registry.hpp"

namespace nexus::actors {

/// Its name in config files.
inline constexpr const char* remote_type_name = "actor";

/// Keys: `host`, `port`, `secret`, and for TLS `ca_file`, `cert_file` and `key_file`. Instances
/// connect when they are used, and anew after a connection was lost. All outcomes of a batch are
/// `unreachable` where the other side could not be asked, and `config_fault` where it does not know
/// the secret or is no destination.
destinations::type_info remote_type();

}  // namespace nexus::actors
