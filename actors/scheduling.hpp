// How an actor system of ours is set up.
#pragma once

#include <caf/fwd.hpp>

namespace nexus::actors {

/// Sets `config` up. `networked`: actors of other processes are spoken to.
caf::actor_system_config& scheduling(caf::actor_system_config& config, bool networked);

}  // namespace nexus::actors
