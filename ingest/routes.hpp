// Which path belongs to which endpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace nexus::ingest {

enum class endpoint {
  inbound,
  batch,
  memories,
  logs,
  events,
  query,
  health,
  ready,
  status,
  shutdown,
  config,
  policies,
  lint,
  reload,
  metrics,
  destinations,
  pause,
  resume,
  consistency,
  dead_letters,
  dead_letter,
  redrive,
  purge,
  security_events,
  security_summary,
  audit_log,
  audit_stats,
  audit_export
};

/// Whose token an endpoint asks for: none at all, a source's (or the admin's), or the admin's only.
enum class access_level { open, data, admin };

struct route {
  endpoint target = endpoint::health;
  access_level needs = access_level::open;
  std::string_view path;  ///< as registered, for metrics; lives forever
  std::string parameter;  ///< the `{…}` segment of the path, decoded as url.hpp says
};

/// A route, or the answer for a path that has none.
struct route_match {
  std::optional<route> found;
  http::response
      refusal;  ///< only where nothing was found: 404, 405, 204 to OPTIONS, 400 for a bad escape
};

/// Matches exactly: a trailing slash, or an empty `{…}` segment, is another path.
route_match find_route(std::string_view method, std::string_view raw_path);

}  // namespace nexus::ingest
