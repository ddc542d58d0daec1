// Carries batches from a queue to a destination actor, and watches over that actor.
#pragma once

#include <functional>
#include <string>

#include "actors/protocol.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "destinations/retry.hpp"

namespace nexus::actors {

/// Makes a destination actor; runs on a worker's thread when one has died. Any handle will do: of
/// an actor of this process, or of a remote one.
using destination_spawner = std::function<core::result<destination_actor>(caf::actor_system&)>;

struct worker_options {
  std::string destination;
  wal_actor wal;
  queue_actor queue;
  destination_spawner spawn_destination;
  destinations::retry_policy
      restart;  ///< Delays between attempts to spawn the destination actor again.
  core::logger_ptr log;
};

/// One batch at a time: asks the queue for the next, has it delivered, has the log mark what was
/// delivered, and reports every outcome to the queue. When the destination actor dies, the batch is
/// reported as `unreachable` and the actor is spawned again, with backoff. Ends its destination
/// actor when it ends.
worker_actor spawn_worker_actor(caf::actor_system& system, worker_options options);

}  // namespace nexus::actors
