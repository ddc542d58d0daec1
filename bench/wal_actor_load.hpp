// Load for the log through the actor in front of it, as the server brings it.
#pragma once

#include <cstddef>
#include <memory>

#include "bench/wal_load.hpp"

namespace nexus::bench {

/// One thread that keeps `in_flight` appends on their way through a wal_actor. Latency is counted
/// from the submission to its answer.
timing actor_loop(std::shared_ptr<wal::log> log, std::size_t payload_bytes, std::size_t in_flight);

}  // namespace nexus::bench
