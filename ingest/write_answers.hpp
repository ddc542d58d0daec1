// What the client of a write is told once its entry is durable, or cannot become so.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/confirmation.hpp"
#include "core/error.hpp"
#include "http/message.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// 200, status "accepted" (section 3.3 of the v0.1.2 behaviour): it is on disk.
http::response accepted_response(const std::string& payload_id);

/// For a key that stands for an entry already: 200 with that one's payload id; 422
/// `idempotency_mismatch` if it had another body, where both are known.
http::response repeated_response(const idempotency_store::original& written,
                                 const idempotency_store::body_digest& body);

/// 422, for a source that wants content.
http::response empty_content_response();

/// For a client that waits for the delivery: 200, status "delivered", if all destinations have it;
/// else 202, status "durable", with the state of each.
http::response delivery_response(const std::string& payload_id,
                                 const std::vector<std::string>& destinations,
                                 const core::delivery_report& report);

/// 413: it can never be stored.
http::response entry_too_large_response();

/// 413, for a body that is longer than may be sent, and closes the connection; and for one of
/// several values in it.
http::response body_too_large_response(std::uint64_t bytes_max);
http::response value_too_large_response(std::uint64_t bytes_max);

/// What the log refused with: 413, 429 `queue_full`, 503 `wal_full`, or 500, which is counted and
/// logged (once, until note_appended).
http::response append_failed_response(services& house, const core::error& why);

/// An append has succeeded.
void note_appended(services& house);

}  // namespace nexus::ingest
