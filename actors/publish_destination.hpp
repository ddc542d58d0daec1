// The other side of `type = "actor"`: a destination actor in a program of its own, which a Nexus
// delivers to over the network.
//
//     caf::actor_system_config config;
//     caf::actor_system system{nexus::actors::networking(config)};
//     auto target = nexus::actors::spawn_destination_actor(system, {"mine", my_destination, log});
//     auto port = nexus::actors::publish_destination(system, target, {.secret = secret});
//     ...
//     caf::anon_send_exit(target, caf::exit_reason::user_shutdown);  // takes it off the network
#pragma once

#include <cstdint>
#include <string>

#include "actors/destination_actor.hpp"
#include "actors/networking.hpp"
#include "core/result.hpp"

namespace nexus::actors {

struct publish_options {
  std::string host = "127.0.0.1";  ///< the address to listen on; "0.0.0.0": all of them
  std::uint16_t port = 0;          ///< 0: any free one
  /// What a Nexus has to know (key `secret`); at least 16 bytes. Empty: whoever reaches the port
  /// may deliver, which only the machine's own address or TLS makes bearable.
  std::string secret = {};
};

/// Makes `target` reachable until it ends; returns the port. `system` has been set up by
/// networking(), whose TLS files hold for this, too. Whoever is let in may deliver, at the same
/// time as others. Errors: `bad_config` for a short secret, TLS files that cannot be used, or
/// neither secret nor TLS on an address that others can reach; `io_failed` if the address cannot be
/// listened on.
core::result<std::uint16_t> publish_destination(caf::actor_system& system,
                                                const destination_actor& target,
                                                const publish_options& how);

}  // namespace nexus::actors
