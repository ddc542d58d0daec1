// The configuration as operators may see it: what is in force, who may do what, and what is wrong
// with the files (section 3.7 of the v0.1.2 behaviour). For the admin only; no secret is in any of
// it.
#pragma once

#include "config/config.hpp"
#include "http/message.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// GET /api/config: what is in force, keys in alphabetical order.
http::response config_response(const config::config& settings);

/// GET /api/policies: the rights of each source, by name. `policy_hash`, 8 hex digits, changes when
/// any of them does.
http::response policies_response(const config::config& settings);

/// GET /api/lint: {"warnings":[…]} with what `nexus lint --offline` finds in the files as they are
/// now; their names are relative to the home directory. 503 while too many such requests wait.
void handle_lint(const services_ptr& house, const config::config& settings,
                 http::respond_fn respond);

}  // namespace nexus::ingest
