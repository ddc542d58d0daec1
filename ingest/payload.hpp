// The TranslatedPayload: what the log stores of a request, and what queries return (section 3.4 of
// the v0.1.2 behaviour). Text may hold bytes that are not UTF-8; they are replaced when it is
// written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mapping/field_mapping.hpp"

namespace nexus::ingest {

/// What all payloads of a request say alike.
struct payload_origin {
  std::string_view source;
  std::string_view subject;
  std::string_view name_space;
  std::string_view destination;
  std::string_view timestamp;  ///< RFC 3339, UTC
  std::string_view actor_type;
  std::string_view actor_id;
  std::vector<std::string> sensitivity_labels;
  std::string_view classification_tier;
};

/// What each of them says.
struct payload_text {
  std::string payload_id;
  std::string_view request_id;
  mapping::mapped_fields fields;
  std::string_view idempotency_key;
  std::vector<float> embedding;  ///< finite numbers
};

/// Writes payloads as JSON, keys in the fixed order; from the embedding on they are left out where
/// they are empty. What they say alike is spelled once.
class payload_writer {
 public:
  explicit payload_writer(const payload_origin& from);
  std::string to_json(const payload_text& payload) const;

 private:
  // Each with the key of what follows.
  std::string from_;   ///< source to destination
  std::string when_;   ///< timestamp
  std::string actor_;  ///< the versions and the actor
  std::string end_;    ///< labels, tier, and the closing bracket
};

/// The same payload for another destination; `json` was made by a payload_writer.
std::string with_destination(const std::string& json, std::string_view destination);

}  // namespace nexus::ingest
