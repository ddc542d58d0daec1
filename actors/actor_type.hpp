// Destination types whose destinations are actors: register one beside the plain classes.
//
//     types.add("mine", nexus::actors::actor_type(
//         [](caf::actor_system& system, const nexus::destinations::settings& how) {
//           return nexus::core::result<nexus::actors::destination_actor>(system.spawn(mine, how));
//         }));
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "actors/protocol.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::actors {

/// Makes a destination actor; any handle will do, of an actor of this process or of a remote one.
/// Called once for each worker, and again after its actor has ended or hung, on any thread; it may
/// block, for no longer than the timeout of the settings. Errors: `bad_config`; any other one means
/// that it is tried again.
using spawn_function = std::function<core::result<destination_actor>(
    caf::actor_system&, const destinations::settings&)>;

/// What destinations::type_info holds of it.
struct actor_factory {
  spawn_function spawn;
};

/// A type whose destinations are actors. Its schema and the other members are still to be set.
inline destinations::type_info actor_type(spawn_function spawn) {
  destinations::type_info info;
  info.make_actor = std::make_shared<const actor_factory>(actor_factory{std::move(spawn)});
  return info;
}

}  // namespace nexus::actors
