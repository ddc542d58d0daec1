#include "ingest/source_entries.hpp"

#include <utility>

#include "core/random.hpp"
#include "ingest/fanout.hpp"

namespace nexus::ingest {
namespace {

constexpr std::size_t payload_id_bytes = 16;

/// Drawn at once by a thread: asking the system for each of them would be a system call a request.
constexpr std::size_t ids_drawn = 64;

}  // namespace

std::string make_payload_id() {
  thread_local payload_ids drawn(0);
  if (drawn.is_empty()) drawn = payload_ids(ids_drawn);
  return drawn.next();
}

payload_ids::payload_ids(std::size_t count) : digits_(core::random_hex(count * payload_id_bytes)) {}

std::string payload_ids::next() {
  const std::size_t start = std::exchange(used_, used_ + 2 * payload_id_bytes);
  return digits_.substr(start, 2 * payload_id_bytes);
}

translated_payload make_payload(std::string payload_id, const config::source_config& source,
                                const write_context& context, mapping::mapped_fields fields,
                                std::string key, core::time_point now) {
  translated_payload out;
  out.payload_id = std::move(payload_id);
  out.request_id = context.request_id;
  out.source = source.name;
  out.subject = context.subject;
  out.name_space = source.name_space;
  out.destination = source.target_destinations.front();
  out.collection = std::move(fields.collection);
  out.content = std::move(fields.content);
  out.model = std::move(fields.model);
  out.role = std::move(fields.role);
  out.timestamp = core::format_timestamp(now);
  out.idempotency_key = std::move(key);
  out.actor_type = context.actor_type;
  out.actor_id = context.actor_id;
  out.metadata = std::move(fields.metadata);
  out.sensitivity_labels = context.sensitivity_labels;
  out.classification_tier = context.classification_tier;
  return out;
}

std::vector<core::entry_ptr> make_source_entries(const config::source_config& source,
                                                 translated_payload payload, const key_note& key,
                                                 core::time_point now) {
  core::entry common;
  common.payload = to_json(payload);
  common.payload_is_compact = true;
  common.payload_id = std::move(payload.payload_id);
  common.timestamp = core::format_timestamp(now);
  common.source = std::move(payload.source);
  common.subject = std::move(payload.subject);
  common.actor_type = std::move(payload.actor_type);
  common.actor_id = std::move(payload.actor_id);
  put_key_note(common, key);
  return make_entries(std::move(common), source.target_destinations);
}

}  // namespace nexus::ingest
