// POST /v1/logs: logs as OpenTelemetry sends them (OTLP/HTTP, in JSON).
#pragma once

#include <optional>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// 415 unless the body is said to be JSON, or nothing at all; it names the exporter's setting.
std::optional<http::response> check_logs_type(const http::request& request);

/// The same answers with what OTLP wants of a refusal: a body that is a google.rpc.Status as well
/// as our envelope, and 503 in the place of 500, because exporters throw away what is answered with
/// 500.
http::response as_otlp_answer(http::response answer);
http::respond_fn as_otlp_answers(http::respond_fn respond);

/// Each log record becomes a payload. What the source maps is an object that otlp_document.hpp
/// describes; where the mapping finds no content, the record's body is it. Answers 200 `{}`, or
/// with `partialSuccess` where records were refused for good; if one could be taken later, the
/// whole request is answered 429 or 503, and the exporter sends it again. Nobody waits for a
/// delivery, whatever the source wants: OTLP has no answer for "stored, not delivered", and an
/// exporter that waits too long sends everything again. The body is plain. Any thread.
void handle_logs(const services_ptr& house, snapshot_ptr config, const active_source& source,
                 http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
