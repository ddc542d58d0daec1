#include "ingest/routes.hpp"

#include <utility>

#include "http/errors.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

/// How a `{…}` segment is decoded: as the reference's router does it, or whatever it is.
enum class decoding { reference, whole };

struct known_path {
  std::string_view method;
  std::string_view path;  ///< one segment of it may be a parameter: {name}
  endpoint target;
  access_level needs;
  decoding of_parameter = decoding::reference;
};

/// The path of the first one that matches counts. Methods of the same path stand together.
constexpr known_path known_paths[] = {
    {"POST", "/inbound/{source}", endpoint::inbound, access_level::data},
    {"POST", "/inbound/{source}/batch", endpoint::batch, access_level::data},
    {"POST", "/v1/memories", endpoint::memories, access_level::data},
    {"POST", "/v1/logs", endpoint::logs, access_level::data},
    {"POST", "/events", endpoint::events, access_level::data},
    {"GET", "/query/{destination}", endpoint::query, access_level::data},
    {"GET", "/health", endpoint::health, access_level::open},
    {"GET", "/ready", endpoint::ready, access_level::open},
    {"GET", "/api/status", endpoint::status, access_level::admin},
    {"POST", "/api/shutdown", endpoint::shutdown, access_level::admin},
    {"GET", "/api/config", endpoint::config, access_level::admin},
    {"GET", "/api/policies", endpoint::policies, access_level::admin},
    {"GET", "/api/lint", endpoint::lint, access_level::admin},
    {"POST", "/api/reload", endpoint::reload, access_level::admin},
    {"GET", "/metrics", endpoint::metrics, access_level::admin},
    {"GET", "/api/destinations", endpoint::destinations, access_level::admin},
    {"POST", "/api/destinations/{name}/pause", endpoint::pause, access_level::admin,
     decoding::whole},
    {"POST", "/api/destinations/{name}/resume", endpoint::resume, access_level::admin,
     decoding::whole},
    {"POST", "/api/consistency", endpoint::consistency, access_level::admin},
    {"POST", "/api/dlq/redrive", endpoint::redrive, access_level::admin},
    {"POST", "/api/dlq/purge", endpoint::purge, access_level::admin},
    {"GET", "/api/dlq/{id}", endpoint::dead_letter, access_level::admin},
    {"GET", "/api/dlq", endpoint::dead_letters, access_level::admin},
    {"GET", "/api/security/events", endpoint::security_events, access_level::admin},
    {"GET", "/api/security/summary", endpoint::security_summary, access_level::admin},
    {"GET", "/api/audit/log", endpoint::audit_log, access_level::admin},
    {"GET", "/api/audit/stats", endpoint::audit_stats, access_level::admin},
    {"GET", "/api/audit/export", endpoint::audit_export, access_level::admin},
};

/// The parameter of a path that fits the pattern, empty if it has none; nothing if it does not fit.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const auto brace = pattern.find('{');
  if (brace == std::string_view::npos) {
    if (path == pattern) return std::string_view();
    return std::nullopt;
  }
  const auto before = pattern.substr(0, brace);
  const auto after = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) ||
      !path.ends_with(after))
    return std::nullopt;
  const auto parameter = path.substr(before.size(), path.size() - before.size() - after.size());
  if (parameter.find('/') != std::string_view::npos) return std::nullopt;
  return parameter;
}

/// HEAD is answered like GET, without the body (the server leaves it out).
bool answers(const known_path& known, std::string_view method) {
  return known.method == method || (known.method == "GET" && method == "HEAD");
}

/// What can be done with a path: the value of `Allow`.
std::string methods_of(std::string_view pattern) {
  std::string all;
  for (const auto& known : known_paths) {
    if (known.path != pattern) continue;
    all.append(known.method).append(known.method == "GET" ? ", HEAD, " : ", ");
  }
  return all + "OPTIONS";
}

/// Of a path whose method is none of its own.
http::response other_method(std::string_view pattern, std::string_view method) {
  auto answer = http::method_not_allowed_response(methods_of(pattern));
  if (method == "OPTIONS") answer.status = 204;
  return answer;
}

}  // namespace

route_match find_route(std::string_view method, std::string_view raw_path) {
  const auto path = routing_path(raw_path);
  if (!path)
    return {std::nullopt,
            http::error_response(400, "invalid_path", "malformed escape in the path")};
  const known_path* first = nullptr;
  for (const auto& known : known_paths) {
    const bool whole = known.of_parameter == decoding::whole;
    const auto found = match(known.path, whole ? raw_path : std::string_view(*path));
    if (!found) continue;
    if (first == nullptr) first = &known;
    if (known.path != first->path) break;
    if (!answers(known, method)) continue;
    auto parameter = whole ? decode_segment(*found).value_or("") : std::string(*found);
    return {route{known.target, known.needs, known.path, std::move(parameter)}, {}};
  }
  if (first != nullptr) return {std::nullopt, other_method(first->path, method)};
  return {std::nullopt, http::not_found_response()};
}

}  // namespace nexus::ingest
