// The destination actor around a blocking destinations::destination.
#pragma once

#include <functional>
#include <memory>

#include "actors/protocol.hpp"
#include "core/log.hpp"
#include "destinations/destination.hpp"

namespace nexus::actors {

struct destination_actor_options {
  std::string name;
  std::shared_ptr<destinations::destination> target;  ///< For this actor alone.
  core::logger_ptr log;
};

/// An exception from `deliver` becomes an error, so that the worker has it replaced. `deliver` may
/// block: run the actor on a thread of its own (`detached`), unless the test says otherwise.
destination_actor spawn_destination_actor(caf::actor_system& system,
                                          destination_actor_options options);
destination_actor::behavior_type run_destination_actor(destination_actor::pointer self,
                                                       destination_actor_options options);

}  // namespace nexus::actors
