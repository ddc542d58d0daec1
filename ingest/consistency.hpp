// The consistency check over HTTP: whether destinations have what was delivered to them. For the
// admin only.
#pragma once

#include <string>

#include "http/message.hpp"
#include "ingest/ports.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// Appends a report as a JSON object, keys in alphabetical order:
///   {"destinations":[{"found":9,"looked_up":10,"missing":["id"],"missing_total":1,"name":"…",
///   "score":0.9,"skipped":""}],"redelivered":0,"score":0.9}
void append_json(std::string& out, const consistency_report& report);

/// POST /api/consistency with {"sample":N} or {"all":true}, and "destination":"…" and
/// "redeliver":true where they are wanted; an empty body is a sample of 100. Answers with the
/// report once everything was looked up, which may take long; 404 `destination_not_found`; 400 for
/// whatever else stands in the body.
void handle_consistency(const services_ptr& house, const http::request& request,
                        http::respond_fn respond);

}  // namespace nexus::ingest
