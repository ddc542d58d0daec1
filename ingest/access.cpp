#include "ingest/access.hpp"

#include <utility>

#include "http/errors.hpp"
#include "ingest/write_context.hpp"

namespace nexus::ingest {
namespace {

constexpr std::string_view admin_name = "_admin";

/// Without a source.
security_event event_of(services& house, std::string_view type, const client_addresses& clients,
                        const http::request& request) {
  security_event event;
  event.event_type = type;
  event.ip = clients.of(request);
  event.endpoint = request.path;
  std::string id = header_or(request, "X-Request-Id", "");
  event.details.emplace_back("request_id", id.empty() ? house.request_ids.next() : std::move(id));
  return event;
}

/// A limit that was reached.
struct reached {
  std::int64_t per_minute;
  std::int64_t seconds_left;
  std::string_view message;
};

http::response too_many(services& house, const snapshot& config, const http::request& request,
                        const rate_budget& from, const reached& limit) {
  from.hits.add();
  if (from.record_security) {
    auto event = event_of(house, security_event_type::rate_limit_hit, config.clients(), request);
    event.source = from.source;
    event.details.emplace_back("requests_per_minute", limit.per_minute);
    house.options.security->record(std::move(event));
  }
  return http::error_response(429, "rate_limit_exceeded", limit.message, limit.seconds_left);
}

}  // namespace

http::response refuse_token(services& house, const client_addresses& clients,
                            const http::request& request, const token_refusal& why) {
  house.metrics
      .get_counter("bubblefish_auth_failures_total", "Requests without the right token",
                   {{"source", "unknown"}})
      .add();
  auto event = event_of(house, security_event_type::auth_failure, clients, request);
  event.source = "unknown";
  event.details.emplace_back("token_class", std::string(why.token_class));
  house.log->debug("refused a request from " + event.ip + ": " + std::string(why.code));
  house.options.security->record(std::move(event));
  return http::error_response(401, why.code, why.message);
}

void record_admin_access(services& house, const client_addresses& clients,
                         const http::request& request, std::string_view route) {
  house.metrics
      .get_counter("bubblefish_admin_calls_total", "Requests made with the admin token",
                   {{"endpoint", std::string(route)}})
      .add();
  auto event = event_of(house, security_event_type::admin_access, clients, request);
  event.details.emplace_back("user_agent", header_or(request, "User-Agent", ""));
  house.options.security->record(std::move(event));
}

http::response deny(services& house, const active_source& source, const http::request& request,
                    const wanted_access& what, const denial& why) {
  house.metrics
      .get_counter("bubblefish_policy_denials_total", "Requests refused by policy",
                   {{"source", source.settings.name}, {"reason", why.message}})
      .add();
  auto event = event_of(house, security_event_type::policy_denied, source.clients, request);
  event.source = source.settings.name;
  event.subject = header_or(request, "X-Subject", source.settings.name_space);
  event.details.emplace_back("operation", std::string(what.operation));
  event.details.emplace_back("destination", std::string(what.destination));
  event.details.emplace_back("reason", why.message);
  house.options.security->record(std::move(event));
  return http::error_response(403, why.code, why.message);
}

// A source that is over its own limit takes nothing from the others.
std::optional<http::response> check_rate(services& house, const snapshot& config,
                                         const http::request& request, const rate_budget& from) {
  if (const auto wait = house.rate.count(from.key, from.per_minute))
    return too_many(house, config, request, from,
                    {from.per_minute, *wait, "too many requests from this source"});
  const auto of_all = config.settings().limit_of_all_sources;
  if (!of_all || from.source == admin_name) return std::nullopt;
  if (const auto wait = house.rate_of_all.count({}, *of_all))
    return too_many(house, config, request, from,
                    {*of_all, *wait, "too many requests from all sources together"});
  return std::nullopt;
}

rate_budget write_budget(const active_source& source) {
  const auto& settings = source.settings;
  return {settings.name, settings.name, settings.requests_per_minute, source.rate_limit_hits};
}

}  // namespace nexus::ingest
