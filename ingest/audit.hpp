// GET /api/audit/log, /api/audit/stats and /api/audit/export: the interaction log over HTTP
// (section 3.7 of the v0.1.2 behaviour).
#pragma once

#include "config/config.hpp"
#include "http/message.hpp"
#include "ingest/routes.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// `what`: one of the three endpoints. Any thread; the log is read on another one.
void handle_audit(const services_ptr& house, const config::audit_config& settings, endpoint what,
                  const http::request& request, http::respond_fn respond);

}  // namespace nexus::ingest
