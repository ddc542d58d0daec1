// Decides what is delivered when, for one destination. The rules themselves are in
// destinations/retry.hpp (one entry), actors/circuit.hpp (the whole destination) and
// actors/window.hpp (what is in memory).
#pragma once

#include <memory>

#include "actors/board.hpp"
#include "actors/pipeline.hpp"
#include "actors/protocol.hpp"
#include "actors/worker_actor.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

namespace nexus::actors {

struct queue_options {
  destination_options how;
  wal_actor wal;
  destination_spawner spawn_destination;
  bool in_order = false;  ///< destinations::type_info::in_order
  std::shared_ptr<board> shown;
  core::logger_ptr log;
  core::metrics* metrics = nullptr;  ///< Outlives the actor.
};

/// Holds at most a window of entries, all of which are pending in the log; one entry may exceed the
/// limit in bytes. Fetches more when a quarter of the window is free. Spawns its workers, and
/// spawns those again that die; they end with it.
queue_actor spawn_queue_actor(caf::actor_system& system, queue_options options);

}  // namespace nexus::actors
