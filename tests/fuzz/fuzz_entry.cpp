// The JSON of an entry, read from a line of the log.
#include "core/entry.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "wal/entry_head.hpp"

using namespace nexus;

namespace {

bool are_equal(const core::entry& a, const core::entry& b) {
  return a.version == b.version && a.payload_id == b.payload_id &&
         a.idempotency_key == b.idempotency_key && a.status == b.status &&
         a.timestamp == b.timestamp && a.source == b.source && a.destination == b.destination &&
         a.subject == b.subject && a.actor_type == b.actor_type && a.actor_id == b.actor_id &&
         a.payload == b.payload && a.extension == b.extension && a.entry_type == b.entry_type;
}

/// As an entry is once it was written: without white space between tokens, and in UTF-8.
core::entry written_form(core::entry value) {
  for (auto member : {&core::entry::payload_id, &core::entry::idempotency_key, &core::entry::status,
                      &core::entry::source, &core::entry::destination, &core::entry::subject,
                      &core::entry::actor_type, &core::entry::actor_id})
    value.*member = core::json::replace_invalid_utf8(value.*member);
  for (auto member : {&core::entry::payload, &core::entry::extension}) {
    std::string compact;
    core::json::append_compact(compact, value.*member);
    value.*member = compact;
  }
  return value;
}

}  // namespace

void fuzz::run(std::string_view input) {
  const auto parsed = core::parse_entry(input);
  if (const auto head = wal::read_head(input)) {
    require(parsed.ok(), "what the short way reads is an entry");
    core::entry same;
    wal::assign(same, *head);
    require(are_equal(same, *parsed), "the short way reads the same entry");
  }
  if (!parsed) return;
  require(core::json::validate(parsed->payload).ok(), "the payload is JSON");
  std::string written;
  if (!core::append_json(written, *parsed)) return;  // nests too deeply to be read back
  const auto again = core::parse_entry(written);
  require(again.ok(), "what was written can be read");
  require(are_equal(written_form(*parsed), *again), "an entry that was written is the same");
  std::string twice;
  require(core::append_json(twice, *again).ok(), "what was read can be written");
  require(written == twice, "writing it again makes the same bytes");
}
