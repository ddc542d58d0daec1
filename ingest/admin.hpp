// What operators and their tools ask for (sections 3.7 and 6.3 of the v0.1.2 behaviour).
#pragma once

#include "config/config.hpp"
#include "http/message.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// GET /health: the process answers.
http::response health_response(const services& house);

/// GET /ready: 200, or 503 `wal_unhealthy`, or 503 `destination_unavailable` if any destination is
/// unhealthy.
http::response ready_response(const services& house);

/// GET /api/status, keys in alphabetical order. `goroutines` counts threads.
http::response status_response(const services& house, const config::config& settings);

/// GET /metrics in the Prometheus text format.
http::response metrics_response(const services& house);

/// POST /api/shutdown: answers 202, then starts the stop.
void handle_shutdown(const services& house, const http::respond_fn& respond);

}  // namespace nexus::ingest
