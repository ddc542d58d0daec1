// From the fields of one payload to what the log gets of it.
#pragma once

#include <cstddef>
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

/// A new payload id: random.
std::string make_payload_id();

/// So many of them, one after the other: each call of the system for randomness costs.
class payload_ids {
 public:
  explicit payload_ids(std::size_t count);
  std::string next();
  bool is_empty() const noexcept { return used_ == digits_.size(); }

 private:
  std::string digits_;
  std::size_t used_ = 0;
};

/// A new payload of the source. `key`: the client's idempotency key.
translated_payload make_payload(std::string payload_id, const config::source_config& source,
                                const write_context& context, mapping::mapped_fields fields,
                                std::string key, core::time_point now);

/// Its entries, one for each of the source's destinations. `key`: from make_key_note.
std::vector<core::entry_ptr> make_source_entries(const config::source_config& source,
                                                 translated_payload payload, const key_note& key,
                                                 core::time_point now);

}  // namespace nexus::ingest
