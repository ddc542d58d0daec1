// From the fields of one payload to what the log gets of it.
#pragma once

#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/timestamp.hpp"
#include "ingest/payload.hpp"
#include "ingest/snapshot.hpp"
#include "ingest/write_context.hpp"
#include "mapping/field_mapping.hpp"

namespace nexus::ingest {

/// A new payload of the source, with an id of its own. `key`: the client's idempotency key.
translated_payload make_payload(const config::source_config& source, const write_context& context,
                                mapping::mapped_fields fields, std::string key,
                                core::time_point now);

/// Its entries, one for each of the source's destinations. `log_key`: the idempotency key that the
/// log gets; the log hands on entries with equal source, destination and key once (decision 0006).
std::vector<core::entry_ptr> make_source_entries(const config::source_config& source,
                                                 translated_payload payload, std::string log_key,
                                                 core::time_point now);

}  // namespace nexus::ingest
