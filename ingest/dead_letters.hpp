// Dead letters over HTTP: looking at entries that have failed for good, sending them once more, and
// giving them up. For the admin only.
#pragma once

#include <string>

#include "http/message.hpp"
#include "ingest/ports.hpp"
#include "ingest/services.hpp"

namespace nexus::ingest {

/// Appends a dead letter as a JSON object, keys in alphabetical order:
///   {"destination":"…","failed_at":"…","payload_id":"…","reason":"…","source":"…"}
/// `whole`: with actor_id, actor_type, idempotency_key, payload, subject and timestamp as well.
void append_json(std::string& out, const dead_letter& letter, bool whole);

/// GET /api/dlq?limit=&destination=&source=: {"dead_letters":[…],"total":N}, oldest first, at most
/// `limit` (100; up to 1000) of the N that fit.
void handle_dead_letters(const services_ptr& house, const http::request& request,
                         http::respond_fn respond);

/// GET /api/dlq/{id}?destination=&source=: the whole dead letter, or 404 `dead_letter_not_found`.
void handle_dead_letter(const services_ptr& house, const std::string& payload_id,
                        const http::request& request, http::respond_fn respond);

/// What is to become of the dead letters that a request names.
enum class dead_letter_action { redrive, purge };

/// POST /api/dlq/redrive and /api/dlq/purge with {"payload_ids":[…]} or {"all":true}, and
/// "destination" and "source" to narrow either: {"count":N}. Whatever else stands in the body is
/// refused with 400, so that a misspelt word never widens the choice.
void handle_dead_letter_action(const services_ptr& house, dead_letter_action action,
                               const http::request& request, http::respond_fn respond);

/// The longest body of such a request.
inline constexpr std::uint64_t dead_letter_body_bytes_max = 1024 * 1024;

}  // namespace nexus::ingest
