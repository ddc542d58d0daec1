#include "ingest/payload.hpp"

#include "core/float_text.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"

namespace nexus::ingest {
namespace {

constexpr int schema_version = 1;
constexpr std::string_view transform_version = "1.0";

void append_metadata(std::string& out, const std::map<std::string, std::string>& metadata) {
  char separator = '{';
  for (const auto& [key, value] : metadata) {
    out += separator;
    core::json::append_quoted(out, key);
    out += ':';
    core::json::append_quoted(out, value);
    separator = ',';
  }
  out += '}';
}

}  // namespace

std::string to_json(const translated_payload& payload) {
  std::string out;
  out.reserve(640 + payload.content.size());
  core::json_object object(out);
  object.text("payload_id", payload.payload_id)
      .text("request_id", payload.request_id)
      .text("source", payload.source)
      .text("subject", payload.subject)
      .text("namespace", payload.name_space)
      .text("destination", payload.destination)
      .text("collection", payload.collection)
      .text("content", payload.content)
      .text("model", payload.model)
      .text("role", payload.role)
      .text("timestamp", payload.timestamp)
      .text("idempotency_key", payload.idempotency_key)
      .number("schema_version", schema_version)
      .text("transform_version", transform_version)
      .text("actor_type", payload.actor_type)
      .text("actor_id", payload.actor_id);
  if (!payload.embedding.empty())
    object.start("embedding") += core::json::float32_array(payload.embedding);
  if (!payload.metadata.empty()) append_metadata(object.start("metadata"), payload.metadata);
  if (!payload.sensitivity_labels.empty())
    core::append_texts(object.start("sensitivity_labels"), payload.sensitivity_labels);
  if (!payload.classification_tier.empty())
    object.text("classification_tier", payload.classification_tier);
  object.end();
  return out;
}

// A comma, a quote and a letter stand together only where a key begins: in a text a quote has a
// backslash before it. The first such place is that of the payload itself, for before it there are
// texts only.
std::string with_destination(const std::string& json, std::string_view destination) {
  constexpr std::string_view key = R"(,"destination":)", next_key = R"(,"collection":)";
  const std::size_t begin = json.find(key) + key.size();
  const std::size_t end = json.find(next_key, begin);
  std::string out;
  out.reserve(json.size() + destination.size());
  out.append(json, 0, begin);
  core::json::append_quoted(out, destination);
  return out.append(json, end);
}

}  // namespace nexus::ingest
