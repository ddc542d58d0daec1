// POST /events: CloudEvents 1.0 over HTTP, in binary, structured and batched mode.
#pragma once

#include <optional>

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Whether the body is an array of events (application/cloudevents-batch+json).
bool is_event_batch(const http::request& request);

/// 415 for a format of events other than JSON. In binary mode every type is fine.
std::optional<http::response> check_event_type(const http::request& request);

/// What the source maps is the event in its JSON format, whatever mode it came in: an object with
/// the attributes, and `data` or `data_base64`. Where the source deduplicates, the event's source
/// and id are its key. One event is answered as POST /inbound/{source} answers, a batch with a
/// result for each; an event that is none is refused with 400 `invalid_event`. The body is plain.
/// Any thread.
void handle_events(const services_ptr& house, snapshot_ptr config, const active_source& source,
                   http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
