// GET /query/{destination}: reading back what was delivered (section 3.7 of the v0.1.2 behaviour).
//
// Not in this version: `debug_stages`, semantic retrieval, and answers as text/event-stream.
#pragma once

#include <string>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// `source` belongs to `config`; null: the admin, who reads the namespace `default`.
void handle_query(const services_ptr& house, const snapshot_ptr& config,
                  const active_source* source, const std::string& destination,
                  const http::request& request, http::respond_fn respond);

}  // namespace nexus::ingest
