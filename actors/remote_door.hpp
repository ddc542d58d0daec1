// What stands in front of a destination actor towards the network.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/handshake.hpp"
#include "actors/protocol.hpp"

namespace nexus::actors {

using hello_atom = caf::atom_constant<caf::atom("hello")>;

/// A destination actor's messages, each with a pass (handshake.hpp).
/// - hello: the version and the client's nonce, for the door's nonce and proof.
/// Errors: `bad_config` for another version or a wrong pass; else those of the destination actor.
using remote_door = caf::typed_actor<
    caf::replies_to<hello_atom, std::uint32_t, std::string>::with<std::string, std::string>,
    caf::replies_to<deliver_atom, std::string, delivery>::with<outcome_list>,
    caf::reacts_to<ping_atom, std::string>,
    caf::replies_to<exists_atom, std::string, std::vector<std::string>>::with<std::vector<bool>>>;

/// Ends when `target` does. It passes requests on under its own name and never hands `target` out:
/// CAF lets every peer address each actor that it has once seen.
remote_door spawn_remote_door(caf::actor_system& system, destination_actor target,
                              std::string secret);

}  // namespace nexus::actors
