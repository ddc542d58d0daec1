// The security events, for operators (section 6.2 of the v0.1.2 behaviour).
#pragma once

#include "http/message.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// GET /api/security/events: the latest ones, newest first; as many as the parameter `limit` says,
/// 1 to 1000, else 100.
http::response security_events_response(const services& house, const http::request& request);

/// GET /api/security/summary: how many since the start.
http::response security_summary_response(const services& house);

}  // namespace nexus::ingest
