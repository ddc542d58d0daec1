#include "destinations/memory_record.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "core/float_text.hpp"
#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::destinations {

namespace {

namespace json = core::json;

core::error wrong_type(std::string_view member, std::string_view expected) {
  std::string text = "the payload's ";
  text.append(member).append(" is not ").append(expected);
  return {core::errc::invalid_argument, std::move(text)};
}

/// JSON keys match in any case; those of records are all ASCII.
bool same_key(std::string_view name, std::string_view key) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(name.begin(), name.end(), key.begin(), key.end(),
                    [&](char a, char b) { return a == lower(b); });
}

bool is_ascii(std::string_view text) {
  unsigned char all = 0;  // no branch in the loop, so that it runs over many bytes at once
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

/// The text of a raw string as valid UTF-8. Spelling it as JSON once more is what replaces bad
/// bytes.
std::string text_of(std::string_view raw) {
  const auto inside = raw.substr(1, raw.size() - 2);
  if (is_ascii(inside) && inside.find('\\') == std::string_view::npos) return std::string(inside);
  const std::string text = json::unquote(raw);
  if (is_ascii(text)) return text;
  std::string spelled;
  json::append_quoted(spelled, text);
  return json::unquote(spelled);
}

/// Nothing if `text` is not RFC 3339. Times outside core::time_point's range keep their zone.
std::optional<std::string> in_utc(const std::string& text) {
  if (const auto when = core::parse_timestamp(text)) return core::format_timestamp(*when);
  return core::normalize_timestamp(text);
}

core::result<void> read_integer(std::int64_t& into, std::string_view raw, std::string_view name) {
  if (json::kind_of(raw) == json::kind::null) return {};
  const auto [end, code] = std::from_chars(raw.data(), raw.data() + raw.size(), into);
  if (code != std::errc{} || end != raw.data() + raw.size()) return wrong_type(name, "an integer");
  return {};
}

core::result<void> read_text(std::string& into, std::string_view raw, std::string_view name) {
  if (json::kind_of(raw) == json::kind::null) return {};
  if (json::kind_of(raw) != json::kind::string) return wrong_type(name, "a string");
  into = text_of(raw);
  return {};
}

core::result<void> read_embedding(std::vector<float>& into, std::string_view raw) {
  into.clear();
  if (json::kind_of(raw) == json::kind::null) return {};
  if (json::kind_of(raw) != json::kind::array) return wrong_type("embedding", "an array");
  json::members elements(raw);
  while (const auto* element = elements.next()) {
    const json::kind kind = json::kind_of(element->value);
    std::optional<float> value;
    if (kind == json::kind::null) value = 0.0F;
    if (kind == json::kind::number) value = json::parse_float32(element->value);
    if (!value) return wrong_type("embedding", "an array of 32-bit floating-point numbers");
    into.push_back(*value);
  }
  return {};
}

core::result<void> read_labels(std::vector<std::string>& into, std::string_view raw) {
  into.clear();
  if (json::kind_of(raw) == json::kind::null) return {};
  if (json::kind_of(raw) != json::kind::array) return wrong_type("sensitivity_labels", "an array");
  json::members elements(raw);
  while (const auto* element = elements.next()) {
    auto read = read_text(into.emplace_back(), element->value, "sensitivity_labels' element");
    if (!read) return read;
  }
  return {};
}

core::result<void> read_metadata(std::map<std::string, std::string>& into, std::string_view raw) {
  if (json::kind_of(raw) == json::kind::null) return {};
  if (json::kind_of(raw) != json::kind::object) return wrong_type("metadata", "an object");
  json::members values(raw);
  while (const auto* item = values.next()) {
    std::string value;
    auto read = read_text(value, item->value, "metadata's value");
    if (!read) return read;
    into.insert_or_assign(text_of(item->key), std::move(value));
  }
  return {};
}

/// The keys in the order of section 3.4, in which nearly all payloads have them.
constexpr auto keys_in_order = [] {
  std::array<std::string_view, fields_before_version.size() + fields_after_version.size() + 5> keys;
  std::size_t count = 0;
  for (const auto& field : fields_before_version) keys[count++] = field.name;
  keys[count++] = "schema_version";
  for (const auto& field : fields_after_version) keys[count++] = field.name;
  for (auto key : {"embedding", "metadata", "sensitivity_labels", "classification_tier"})
    keys[count++] = key;
  return keys;
}();

/// Where a member's key stands among them; their number if it is none of them. `next`: where it
/// stands if it follows the one before.
std::size_t find_key(std::string_view raw, std::size_t next) {
  const auto name = raw.substr(1, raw.size() - 2);
  for (auto at = next; at < keys_in_order.size(); ++at)
    if (keys_in_order[at] == name) return at;
  const std::string key = json::unquote(raw);
  const auto found = std::find_if(keys_in_order.begin(), keys_in_order.end(),
                                  [&](auto known) { return same_key(known, key); });
  return static_cast<std::size_t>(found - keys_in_order.begin());
}

/// `next`: as for find_key, for this member and then for the one that follows.
core::result<void> read_member(memory_record& into, const json::member& item, std::size_t& next) {
  constexpr std::size_t version = fields_before_version.size();
  constexpr std::size_t embedding = version + 1 + fields_after_version.size();
  const std::size_t at = find_key(item.key, next);
  if (at == keys_in_order.size()) return {};
  next = at + 1;
  if (at == version) return read_integer(into.schema_version, item.value, keys_in_order[at]);
  if (at == embedding) return read_embedding(into.embedding, item.value);
  if (at == embedding + 1) return read_metadata(into.metadata, item.value);
  if (at == embedding + 2) return read_labels(into.sensitivity_labels, item.value);
  std::string& text = at < version     ? into.*fields_before_version[at].member
                      : at < embedding ? into.*fields_after_version[at - version - 1].member
                                       : into.classification_tier;
  return read_text(text, item.value, keys_in_order[at]);
}

std::string_view without_space(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += out.back() == '{' ? "" : ",";
  json::append_quoted(out, key);
  out += ':';
  json::append_quoted(out, text);
}

void append_labels(std::string& out, const std::vector<std::string>& labels) {
  out += ",\"sensitivity_labels\":[";
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (i > 0) out += ',';
    json::append_quoted(out, labels[i]);
  }
  out += ']';
}

}  // namespace

core::result<memory_record> parse_record(std::string_view text) {
  if (auto valid = json::validate(text); !valid) return valid.reason();
  const std::string_view raw = without_space(text);
  if (json::kind_of(raw) != json::kind::object) {
    return core::error{core::errc::invalid_argument, "the payload is not a JSON object"};
  }
  memory_record record;
  record.timestamp = core::zero_timestamp;
  json::members items(raw);
  std::size_t next = 0;
  while (const auto* item = items.next()) {
    if (auto read = read_member(record, *item, next); !read) return read.reason();
  }
  auto utc = in_utc(record.timestamp);
  if (!utc) return wrong_type("timestamp", "an RFC 3339 time");
  record.timestamp = *std::move(utc);
  return record;
}

core::result<memory_record> record_of(const core::entry& entry) {
  auto record = parse_record(entry.payload);
  if (!record) return record;
  if (record->payload_id.empty()) record->payload_id = entry.payload_id;
  if (record->payload_id.empty()) {
    return core::error{core::errc::invalid_argument, "the entry has no payload id"};
  }
  if (record->classification_tier.empty()) record->classification_tier = "public";
  return record;
}

void append_json(std::string& out, const memory_record& record) {
  out += '{';
  for (const auto& field : fields_before_version) {
    append_member(out, field.name, record.*field.member);
  }
  out.append(",\"schema_version\":").append(std::to_string(record.schema_version));
  for (const auto& field : fields_after_version) {
    append_member(out, field.name, record.*field.member);
  }
  if (!record.embedding.empty()) {
    out.append(",\"embedding\":").append(embedding_json(record.embedding));
  }
  if (!record.metadata.empty()) out.append(",\"metadata\":").append(metadata_json(record.metadata));
  if (!record.sensitivity_labels.empty()) append_labels(out, record.sensitivity_labels);
  if (!record.classification_tier.empty()) {
    append_member(out, "classification_tier", record.classification_tier);
  }
  out += '}';
}

std::string metadata_json(const std::map<std::string, std::string>& metadata) {
  std::string out = "{";
  for (const auto& [key, value] : metadata) append_member(out, key, value);
  out += '}';
  return out;
}

core::result<std::map<std::string, std::string>> parse_metadata(std::string_view text) {
  if (auto valid = json::validate(text); !valid) return valid.reason();
  std::map<std::string, std::string> metadata;
  if (auto read = read_metadata(metadata, without_space(text)); !read) return read.reason();
  return metadata;
}

std::string embedding_json(const std::vector<float>& embedding) {
  return json::float32_array(embedding);
}

}  // namespace nexus::destinations
