// POST /inbound/{source}/batch: many payloads, a line or an element each.
#pragma once

#include <optional>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// 415 unless the body is said to be NDJSON (application/x-ndjson, application/jsonl,
/// application/jsonlines), a JSON array (application/json), or nothing at all.
std::optional<http::response> check_batch_type(const http::request& request);

/// Each line, or each element of the array, is treated like the body of POST /inbound/{source}; a
/// bad one is refused alone. Answers as results_response says. The body is plain. Any thread.
void handle_batch(const services_ptr& house, snapshot_ptr config, const active_source& source,
                  http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
