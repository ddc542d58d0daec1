// From the fields of one payload to what the log gets of it.
#pragma once

#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/timestamp.hpp"
#include "ingest/key_note.hpp"
#include "ingest/payload.hpp"
#include "ingest/snapshot.hpp"
#include "ingest/write_context.hpp"
#include "mapping/field_mapping.hpp"

namespace nexus::ingest {

/// A new payload of the source, with an id of its own. `key`: the client's idempotency key.
translated_payload make_payload(const config::source_config& source, const write_context& context,
                                mapping::mapped_fields fields, std::string key,
                                core::time_point now);

/// Its entries, one for each of the source's destinations. `key`: from make_key_note.
std::vector<core::entry_ptr> make_source_entries(const config::source_config& source,
                                                 translated_payload payload, const key_note& key,
                                                 core::time_point now);

}  // namespace nexus::ingest
