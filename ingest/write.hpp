// POST /inbound/{source}: from a client's JSON to an entry in the log (section 3.3 of the v0.1.2
// behaviour).
#pragma once

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Everything after check_write_header. Answers 200 only when the entry is durable (or, if the
/// source wants that, delivered), or when the idempotency key stands for one that is durable. Any
/// thread; `source` belongs to `config`.
void handle_write(const services_ptr& house, snapshot_ptr config, const active_source& source,
                  http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
