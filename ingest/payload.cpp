#include "ingest/payload.hpp"

#include <cstddef>
#include <map>

#include "core/float_text.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"

namespace nexus::ingest {
namespace {

/// More than brackets, quotes and keys of a payload take, but for its metadata.
constexpr std::size_t frame_bytes = 256;

/// What a part that several payloads share mostly needs.
constexpr std::size_t part_bytes = 128;

void put(std::string& out, std::string_view spelled_key, std::string_view text) {
  out += spelled_key;
  core::json::append_quoted(out, text);
}

/// A guess at how long the JSON gets: one that is too short costs a copy, and no more.
std::size_t text_bytes(const payload_text& payload) {
  const auto& fields = payload.fields;
  auto bytes = frame_bytes + payload.payload_id.size() + payload.request_id.size() +
               payload.idempotency_key.size() + fields.collection.size() + fields.content.size() +
               fields.model.size() + fields.role.size();
  for (const auto& [key, value] : fields.metadata) bytes += key.size() + value.size() + 6;
  return bytes;
}

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

payload_writer::payload_writer(const payload_origin& from) {
  for (auto* part : {&from_, &when_, &actor_}) part->reserve(part_bytes);
  put(from_, R"(,"source":)", from.source);
  put(from_, R"(,"subject":)", from.subject);
  put(from_, R"(,"namespace":)", from.name_space);
  put(from_, R"(,"destination":)", from.destination);
  from_ += R"(,"collection":)";
  put(when_, R"(,"timestamp":)", from.timestamp);
  when_ += R"(,"idempotency_key":)";
  put(actor_, R"(,"schema_version":1,"transform_version":"1.0","actor_type":)", from.actor_type);
  put(actor_, R"(,"actor_id":)", from.actor_id);
  if (!from.sensitivity_labels.empty())
    core::append_texts(end_ += R"(,"sensitivity_labels":)", from.sensitivity_labels);
  if (!from.classification_tier.empty())
    put(end_, R"(,"classification_tier":)", from.classification_tier);
  end_ += '}';
}

std::string payload_writer::to_json(const payload_text& payload) const {
  const auto& fields = payload.fields;
  std::string out;
  out.reserve(from_.size() + when_.size() + actor_.size() + end_.size() + text_bytes(payload));
  put(out, R"({"payload_id":)", payload.payload_id);
  put(out, R"(,"request_id":)", payload.request_id);
  put(out, from_, fields.collection);
  put(out, R"(,"content":)", fields.content);
  put(out, R"(,"model":)", fields.model);
  put(out, R"(,"role":)", fields.role);
  put(out, when_, payload.idempotency_key);
  out += actor_;
  if (!payload.embedding.empty())
    (out += R"(,"embedding":)") += core::json::float32_array(payload.embedding);
  if (!fields.metadata.empty()) append_metadata(out += R"(,"metadata":)", fields.metadata);
  out += end_;
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
