#include "ingest/write_checks.hpp"

#include <string_view>
#include <utility>

#include "http/errors.hpp"
#include "ingest/access.hpp"
#include "ingest/batch.hpp"
#include "ingest/cloud_events.hpp"
#include "ingest/content_encoding.hpp"
#include "ingest/memories.hpp"
#include "ingest/otlp_logs.hpp"
#include "ingest/policy.hpp"
#include "ingest/write.hpp"

namespace nexus::ingest {
namespace {

// A prefix, and with its case, as the reference checks it.
std::optional<http::response> check_json_type(const http::request& request) {
  const auto type = request.header("Content-Type").value_or(std::string_view());
  if (type.empty() || type.starts_with("application/json")) return std::nullopt;
  return http::error_response(415, "unsupported_media_type",
                              "Content-Type must be application/json");
}

std::optional<http::response> check_type(endpoint target, const http::request& request) {
  if (target == endpoint::batch) return check_batch_type(request);
  if (target == endpoint::events) return check_event_type(request);
  if (target == endpoint::logs) return check_logs_type(request);
  return check_json_type(request);
}

}  // namespace

bool is_write(endpoint target) noexcept {
  return target == endpoint::inbound || target == endpoint::batch || target == endpoint::memories ||
         target == endpoint::logs || target == endpoint::events;
}

std::optional<http::response> check_write_policy(services& house, const active_source& source,
                                                 const http::request& request) {
  const auto& settings = source.settings;
  const auto& targets = settings.target_destinations;
  for (const auto& target : targets) {
    auto why = check_write(settings.policy, target);
    if (!why) continue;
    if (targets.size() > 1) why->message += ": " + target;
    return deny(house, source, request, {"write", target}, *why);
  }
  return std::nullopt;
}

std::optional<http::response> check_write_header(services& house, const active_source& source,
                                                 const route& where, const http::request& request) {
  if (!source.settings.can_write)
    return http::error_response(403, "source_not_permitted_to_write", "this source may not write");
  const bool names_source = where.target == endpoint::inbound || where.target == endpoint::batch;
  if (names_source && where.parameter != source.settings.name)
    return http::error_response(403, "source_mismatch", "the token belongs to another source");
  if (where.target != endpoint::memories)
    if (auto refused = check_write_policy(house, source, request)) return refused;
  if (auto refused = check_type(where.target, request)) return refused;
  return check_content_encoding(request);
}

bool makes_many(endpoint target, const http::request& request) {
  return target == endpoint::batch || target == endpoint::memories || target == endpoint::logs ||
         (target == endpoint::events && is_event_batch(request));
}

std::uint64_t write_bytes_max(const snapshot& config, const active_source& source,
                              const route& where, const http::request& request) {
  // The messages of /v1/memories are one payload to the reference.
  const bool many = where.target != endpoint::memories && makes_many(where.target, request);
  return static_cast<std::uint64_t>(many ? config.settings().limits.max_batch_bytes
                                         : source.settings.payload_bytes_max);
}

void dispatch_write(const services_ptr& house, snapshot_ptr config, const active_source& source,
                    const route& where, http::request request, http::respond_fn respond) {
  if (where.target == endpoint::logs) respond = as_otlp_answers(std::move(respond));
  if (auto refused = decode_body(request, write_bytes_max(*config, source, where, request)))
    return respond(std::move(*refused));
  switch (where.target) {
    case endpoint::batch:
      return handle_batch(house, std::move(config), source, std::move(request), std::move(respond));
    case endpoint::memories:
      return handle_memories(house, std::move(config), source, std::move(request),
                             std::move(respond));
    case endpoint::logs:
      return handle_logs(house, std::move(config), source, std::move(request), std::move(respond));
    case endpoint::events:
      return handle_events(house, std::move(config), source, std::move(request),
                           std::move(respond));
    default:
      return handle_write(house, std::move(config), source, std::move(request), std::move(respond));
  }
}

}  // namespace nexus::ingest
