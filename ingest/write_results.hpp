// The answer to a request with several payloads: a result for each of them.
#pragma once

#include <span>

#include "http/message.hpp"
#include "ingest/write_many.hpp"

namespace nexus::ingest {

/// Whether the client waits for the delivery of this one, and it has not come to all destinations.
bool is_undelivered(const write_item& item);

/// For endpoints that answer with a result for each item:
///   {"results":[{"index":0,"status":200,"payload_id":"…"},
///   {"index":1,"status":400,"error":"…","message":"…"}],"accepted":1,"failed":1,
///   "status":"partial"}
/// 200 and "accepted" where all are durable, else 207 and "partial" or "failed"; but if all of them
/// are refused for one reason, that refusal itself.
http::response results_response(std::span<const write_item> items);

/// For one payload that went through write_many alone: as POST /inbound answers.
http::response single_response(const active_source& source, const write_item& item);

}  // namespace nexus::ingest
