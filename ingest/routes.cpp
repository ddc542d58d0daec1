#include "ingest/routes.hpp"

#include <array>

#include "ingest/errors.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

struct known_path {
  std::string_view method;
  std::string_view path;  ///< ends in '/' where a parameter follows
  endpoint target;
  access_level needs;
};

/// The first one that matches counts.
constexpr std::array<known_path, 11> known_paths{{
    {"POST", "/inbound/", endpoint::inbound, access_level::data},
    {"GET", "/query/", endpoint::query, access_level::data},
    {"GET", "/health", endpoint::health, access_level::open},
    {"GET", "/ready", endpoint::ready, access_level::open},
    {"GET", "/api/status", endpoint::status, access_level::admin},
    {"POST", "/api/shutdown", endpoint::shutdown, access_level::admin},
    {"GET", "/metrics", endpoint::metrics, access_level::admin},
    {"POST", "/api/dlq/redrive", endpoint::redrive, access_level::admin},
    {"POST", "/api/dlq/purge", endpoint::purge, access_level::admin},
    {"GET", "/api/dlq/", endpoint::dead_letter, access_level::admin},
    {"GET", "/api/dlq", endpoint::dead_letters, access_level::admin},
}};

bool matches(const known_path& known, std::string_view path) {
  if (!known.path.ends_with('/')) return path == known.path;
  return path.starts_with(known.path) && path.size() > known.path.size() &&
         path.find('/', known.path.size()) == std::string_view::npos;
}

}  // namespace

route_match find_route(std::string_view method, std::string_view raw_path) {
  const auto path = routing_path(raw_path);
  if (!path)
    return {std::nullopt, error_response(400, "invalid_path", "malformed escape in the path")};
  for (const auto& known : known_paths) {
    if (!matches(known, *path)) continue;
    if (known.method != method) return {std::nullopt, method_not_allowed_response(known.method)};
    std::string parameter = known.path.ends_with('/') ? path->substr(known.path.size()) : "";
    return {route{known.target, known.needs, known.path, std::move(parameter)}, {}};
  }
  return {std::nullopt, not_found_response()};
}

}  // namespace nexus::ingest
