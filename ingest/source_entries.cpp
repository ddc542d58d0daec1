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

source_entries::source_entries(const config::source_config& source, const write_context& context,
                               core::time_point received, core::time_point now)
    : source_(source),
      writer_({source.name, context.subject, source.name_space, source.target_destinations.front(),
               core::format_timestamp(received), context.actor_type, context.actor_id,
               context.sensitivity_labels, context.classification_tier}) {
  common_.payload_is_compact = true;
  common_.timestamp = core::format_timestamp(now);
  common_.source = source.name;
  common_.subject = context.subject;
  common_.actor_type = context.actor_type;
  common_.actor_id = context.actor_id;
}

std::vector<core::entry_ptr> source_entries::make(payload_text payload, key_note key) const {
  auto entry = std::make_shared<core::entry>(common_);
  if (!key.key.empty()) payload.idempotency_key = key.key;
  entry->payload = writer_.to_json(payload);
  entry->payload_id = std::move(payload.payload_id);
  put_key_note(*entry, std::move(key));
  return make_entries(std::move(entry), source_.target_destinations);
}

}  // namespace nexus::ingest
