// How the instances of one destination come into being.
#pragma once

#include "actors/pipeline.hpp"
#include "actors/worker_actor.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::actors {

/// What makes the actors of a destination: around a plain instance each, on a thread of its own, or
/// as its type makes them. A fault of its table or its type is found when it is used, so that it
/// holds up nobody else: the spawner then answers `bad_config`. `types` must outlive it.
destination_spawner make_spawner(const destination_options& how,
                                 const destinations::registry& types, const core::logger_ptr& log);

}  // namespace nexus::actors
