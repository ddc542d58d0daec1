// What the handlers of all endpoints share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/timestamp.hpp"
#include "http/message.hpp"
#include "ingest/idempotency.hpp"
#include "ingest/jwks_cache.hpp"
#include "ingest/ports.hpp"
#include "ingest/rate_limit.hpp"
#include "ingest/request_id.hpp"
#include "ingest/security_log.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

struct door_options {
  std::string version;  ///< of the program, as /health and /api/status report it
  std::size_t idempotency_keys_max = 1'000'000;
  /// Where security events go.
  security_log_ptr security = make_memory_security_log();
  core::wall_clock clock = core::now;
  steady_clock_fn steady_clock = std::chrono::steady_clock::now;
};

/// What the program is doing. Only while it serves are requests for data taken; else they are
/// answered 503 `starting` or `draining`, and so is GET /ready. GET /health, GET /openapi.json, GET
/// /metrics and POST /api/shutdown are always answered, the other admin's requests unless it is
/// starting.
enum class door_phase { starting, serving, draining };

/// Held by the door and by every request in progress; `metrics` must outlive them all.
struct services {
  services(ports behind, core::logger_ptr logger, core::metrics& registry, door_options how)
      : options(std::move(how)),
        out(std::move(behind)),
        log(std::move(logger)),
        metrics(registry),
        started(options.steady_clock()),
        idempotency(options.idempotency_keys_max, options.clock),
        rate(options.steady_clock),
        rate_of_all(options.steady_clock),
        jwks(std::make_shared<jwks_cache>(out.fetch_jwks, log, metrics, options.steady_clock)) {}

  const door_options options;
  const ports out;
  const core::logger_ptr log;
  core::metrics& metrics;
  const std::chrono::steady_clock::time_point started;
  idempotency_store idempotency;
  rate_limiter rate;
  rate_limiter rate_of_all;  ///< one key: all sources together
  const std::shared_ptr<jwks_cache> jwks;
  request_id_source request_ids;
  std::atomic<door_phase> phase{door_phase::starting};
  std::atomic<bool> append_failing{
      false};  ///< so that a failing log is reported once, not once a request

  double seconds_since(std::chrono::steady_clock::time_point when) const {
    return std::chrono::duration<double>(options.steady_clock() - when).count();
  }
};

using services_ptr = std::shared_ptr<services>;

/// 503 `starting` or `draining`; nothing while the program serves.
std::optional<http::response> not_serving_response(door_phase phase);

/// The answer to an operator's request that could not be done. What is nobody's fault but our own
/// is logged, with `what` in front.
http::response refuse(const services& house, std::string_view what, const core::error& why);

}  // namespace nexus::ingest
