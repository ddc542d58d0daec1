// POST /v1/memories: the messages of a conversation (section 3.6 of the v0.1.2 behaviour).
#pragma once

#include "http/message.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// {"messages":[{"role":"…","content":"…"}],"subject":"…","collection":"…"}: each message with
/// content becomes a payload, without the source's mapping. Answers 200
/// {"payload_ids":[…],"status":"accepted"} once all are durable; where the source waits for the
/// delivery, 200 and "delivered" once all destinations have all of them, or 202 and "durable". Any
/// thread.
///
/// Differs from v0.1.2 on purpose: all messages are written or none (the reference stops half way),
/// and an idempotency key counts where the source deduplicates: message by message.
void handle_memories(const services_ptr& house, snapshot_ptr config, const active_source& source,
                     http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
