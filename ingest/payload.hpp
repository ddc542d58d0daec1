// The TranslatedPayload: what the log stores of a request, and what queries return (section 3.4 of
// the v0.1.2 behaviour).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::ingest {

/// Text may hold bytes that are not UTF-8; they are replaced when it is written.
struct translated_payload {
  std::string payload_id;
  std::string request_id;
  std::string source;
  std::string subject;
  std::string name_space;
  std::string destination;
  std::string collection;
  std::string content;
  std::string model;
  std::string role;
  std::string timestamp;  ///< RFC 3339, UTC
  std::string idempotency_key;
  std::string actor_type;
  std::string actor_id;
  std::vector<float> embedding;  ///< finite numbers
  std::map<std::string, std::string> metadata;
  std::vector<std::string> sensitivity_labels;
  std::string classification_tier;
};

/// Its JSON, keys in the fixed order; from the embedding on they are left out where they are empty.
std::string to_json(const translated_payload& payload);

/// The same payload for another destination; `json` was made by to_json.
std::string with_destination(const std::string& json, std::string_view destination);

}  // namespace nexus::ingest
