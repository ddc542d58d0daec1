#include "core/entry.hpp"

#include <array>
#include <charconv>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::core {
namespace {

constexpr std::array<std::string_view, 5> status_words{"PENDING", "DELIVERED", "PERMANENT_FAILURE",
                                                       "REDRIVEN", "PURGED"};

/// The text members of an entry and their keys, in the order of the line.
struct text_field {
  std::string_view spelled;  ///< the key as it stands in a line, with comma and colon
  std::string entry::*member;
  constexpr std::string_view key() const { return spelled.substr(2, spelled.size() - 4); }
};
constexpr std::array<text_field, 9> text_fields{
    {{R"(,"payload_id":)", &entry::payload_id},
     {R"(,"idempotency_key":)", &entry::idempotency_key},
     {R"(,"status":)", &entry::status},
     {R"(,"timestamp":)", &entry::timestamp},
     {R"(,"source":)", &entry::source},
     {R"(,"destination":)", &entry::destination},
     {R"(,"subject":)", &entry::subject},
     {R"(,"actor_type":)", &entry::actor_type},
     {R"(,"actor_id":)", &entry::actor_id}}};

error malformed(std::string why) {
  return {errc::corrupt, "malformed entry: " + std::move(why)};
}

/// `key` as the reference compares it: ASCII lower case, with the two letters that Unicode folds
/// into ASCII.
std::string folded(std::string_view key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key.substr(i, 2) == "\xC5\xBF")  // U+017F, the long s
      out += 's', i += 1;
    else if (key.substr(i, 3) == "\xE2\x84\xAA")  // U+212A, the Kelvin sign
      out += 'k', i += 2;
    else
      out += key[i] >= 'A' && key[i] <= 'Z' ? static_cast<char>(key[i] - 'A' + 'a') : key[i];
  }
  return out;
}

result<void> read_text(entry& out, const text_field& field, std::string_view raw) {
  if (raw == "null") return {};
  if (json::kind_of(raw) != json::kind::string)
    return malformed(std::string(field.key()) + " is not a string");
  std::string text = json::replace_invalid_utf8(json::unquote(raw));
  if (field.key() == "timestamp") {
    auto normal = normalize_timestamp(text);
    if (!normal) return malformed("timestamp is not RFC 3339");
    text = *std::move(normal);
  }
  out.*field.member = std::move(text);
  return {};
}

result<void> read_version(entry& out, std::string_view raw) {
  if (raw == "null") return {};
  auto [end, failure] = std::from_chars(raw.data(), raw.data() + raw.size(), out.version);
  if (failure != std::errc{} || end != raw.data() + raw.size())
    return malformed("version is not an integer");
  return {};
}

void keep_unknown(entry& out, std::string_view key, const json::member& item) {
  ((((out.extension += ',') += item.key) += ':')) += item.value;
  if (key == "entry_type" && json::kind_of(item.value) == json::kind::string)
    out.entry_type = json::unquote(item.value);
}

result<void> read_member(entry& out, const json::member& item) {
  // Our own lines have plain lower-case keys; only a foreign one costs the unquoting and folding.
  auto plain = item.key.substr(1, item.key.size() - 2);
  for (const auto& field : text_fields)
    if (plain == field.key()) return read_text(out, field, item.value);
  if (plain == "payload") return out.payload = item.value, result<void>{};
  auto key = folded(json::unquote(item.key));
  for (const auto& field : text_fields)
    if (key == field.key()) return read_text(out, field, item.value);
  if (key == "payload") return out.payload = item.value, result<void>{};
  if (key == "version") return read_version(out, item.value);
  keep_unknown(out, key, item);
  return {};
}

/// The JSON of `value`, with this version, status and timestamp.
result<void> append_members(std::string& out, const entry& value, std::int64_t version,
                            std::string_view status, std::string_view timestamp) {
  // The entry is a level of its own: a payload one level short of the limit is the deepest that can
  // be read back.
  auto compact = value.payload_is_compact
                     ? result<bool>(true)
                     : json::is_compact(value.payload, json::depth_max - 1);
  if (!compact) return error{errc::invalid_argument, "the payload is " + compact.reason().text};
  out += R"({"version":)";
  out += std::to_string(version);
  for (const auto& field : text_fields) {
    out += field.spelled;
    if (field.member == &entry::status)
      json::append_quoted(out, status);
    else if (field.member == &entry::timestamp)
      json::append_quoted(out, timestamp);
    else
      json::append_quoted(out, value.*field.member);
  }
  out += R"(,"payload":)";
  if (*compact)
    out += value.payload;
  else
    json::append_compact(out, value.payload);
  json::append_compact(out, value.extension);
  out += '}';
  return {};
}

}  // namespace

std::string_view to_string(status value) noexcept {
  return status_words[static_cast<std::size_t>(value)];
}

std::optional<status> parse_status(std::string_view word) noexcept {
  for (std::size_t i = 0; i < status_words.size(); ++i)
    if (word == status_words[i]) return static_cast<status>(i);
  return {};
}

result<void> append_json(std::string& out, const entry& value) {
  return append_members(out, value, value.version, value.status, value.timestamp);
}

result<void> append_json(std::string& out, const entry& value, const stamp& set) {
  return append_members(out, value, set.version, to_string(set.is), set.timestamp);
}

result<entry> parse_entry(std::string_view json) {
  entry out;
  out.version = 0;
  out.status.clear();
  out.timestamp = zero_timestamp;
  auto start = json.find_first_not_of(" \t\r\n");
  if (start != json.npos && json[start] == 'n') {  // a top-level null is an entry without anything
    if (auto valid = json::validate(json); !valid) return malformed(valid.reason().text);
    return out;
  }
  auto read =
      json::for_each_member(json, [&](const json::member& item) { return read_member(out, item); });
  if (read) return out;
  return read.reason().code == errc::corrupt ? read.reason() : malformed(read.reason().text);
}

void for_each_extension(const entry& value, const std::function<void(const json::member&)>& visit) {
  if (value.extension.empty()) return;
  // A list of members with leading commas: made an object again to step through it.
  const std::string object = "{" + value.extension.substr(1) + "}";
  json::members items(object);
  while (const auto* item = items.next()) visit(*item);
}

}  // namespace nexus::core
