#include "ingest/services.hpp"

#include "http/errors.hpp"

namespace nexus::ingest {

std::optional<http::response> not_serving_response(door_phase phase) {
  switch (phase) {
    case door_phase::starting:
      return http::error_response(503, "starting", "the log is still being read; try again soon",
                                  1);
    case door_phase::draining:
      return http::error_response(503, "draining", "the server is stopping; nothing was stored", 5);
    case door_phase::serving:
      break;
  }
  return std::nullopt;
}

http::response refuse(const services& house, std::string_view what, const core::error& why) {
  switch (why.code) {
    case core::errc::not_found:
      return http::error_response(404, "destination_not_found", why.text);
    case core::errc::closed:
      return http::error_response(503, "shutting_down", "the server is stopping");
    case core::errc::overloaded:
      return http::error_response(503, "busy", "too many such requests are waiting", 1);
    case core::errc::wal_full:
      return http::error_response(503, "wal_full", "there is no space left for the log", 10);
    default:
      break;
  }
  house.log->error(std::string(what) + ": " + why.text);
  return http::error_response(500, "internal_error", "it failed; the server's log says how");
}

}  // namespace nexus::ingest
