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

/// Makes the entries of a request: what they say alike is worked out once.
class source_entries {
 public:
  /// `received`: what the payloads say; `now`: what the log's entries do. `source` must outlive it.
  source_entries(const config::source_config& source, const write_context& context,
                 core::time_point received, core::time_point now);

  /// The entries of one payload, one for each of the source's destinations. `key`: from
  /// make_key_notes; if it has one, that is what the payload says.
  std::vector<core::entry_ptr> make(payload_text payload, key_note key) const;

 private:
  const config::source_config& source_;
  core::entry common_;
  payload_writer writer_;
};

}  // namespace nexus::ingest
