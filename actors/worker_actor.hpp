// Carries batches from a queue to a destination actor, and watches over that actor.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "actors/board.hpp"
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
  std::chrono::milliseconds timeout{30'000};  ///< of the destination
  destinations::retry_policy
      restart;  ///< Delays between attempts to spawn the destination actor again.
  std::shared_ptr<board> shown;
  core::logger_ptr log;
};

/// How long a worker waits for an answer before it takes the destination as hung: it keeps to its
/// own timeout first.
std::chrono::milliseconds hang_limit(std::chrono::milliseconds timeout) noexcept;

/// One batch at a time: asks the queue for the next, has it delivered, has the log mark what was
/// delivered, and reports every outcome to the queue. A destination actor that breaks down (see
/// `destination_actor`) is given up: the batch is reported as `unreachable`, and another one is
/// spawned, with backoff; until then it asks for nothing. One that hangs cannot be ended; it is
/// left to itself, but while `abandoned_max` of them have not come back no other is spawned. Ends
/// its destination actor when it ends.
worker_actor spawn_worker_actor(caf::actor_system& system, worker_options options);

/// Instances of a destination that hang and that one worker has given up.
inline constexpr std::size_t abandoned_max = 4;

}  // namespace nexus::actors
