#include "wal/entry_head.hpp"

#include <cstring>
#include <limits>

#include "core/json_bytes.hpp"
#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::wal {
namespace {

/// Takes `expected` from the front of `text`. Its length is known when this is compiled, so that a
/// comparison is a few instructions.
template <std::size_t size>
bool take(std::string_view& text, const char (&expected)[size]) {
  constexpr auto length = size - 1;
  if (text.size() < length || std::memcmp(text.data(), expected, length) != 0) return false;
  text.remove_prefix(length);
  return true;
}

/// Takes a string without escapes, in ASCII, whose opening quote has been taken.
bool take_plain(std::string_view& text, std::string_view& value) {
  using core::json::block;
  auto end = text.data() + text.size();
  auto at = core::json::find_byte(
      text.data(), end,
      [](block bytes) {
        return bytes.below(0x20) | bytes.equal('"') | bytes.equal('\\') | bytes.beyond_ascii();
      },
      [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\' || c >= 0x80; });
  if (at == end || *at != '"') return false;
  auto length = static_cast<std::size_t>(at - text.data());
  value = text.substr(0, length);
  text.remove_prefix(length + 1);
  return true;
}

std::optional<std::uint32_t> seconds_of(std::string_view timestamp) {
  auto when = core::parse_timestamp(timestamp);
  if (!when) return {};
  auto seconds = std::chrono::floor<std::chrono::seconds>(*when).time_since_epoch().count();
  if (seconds < 0 || seconds > std::numeric_limits<std::uint32_t>::max()) return {};
  return static_cast<std::uint32_t>(seconds);
}

}  // namespace

entry_head head_of(const core::entry& value) {
  return {value,           value.status,  value.entry_type, unix_seconds(value.timestamp),
          value.timestamp, value.subject, value.actor_type, value.actor_id,
          value.payload};
}

std::optional<entry_head> read_head(std::string_view json, json_check how) {
  entry_head head;
  auto plain = [&](const auto& key, std::string_view& value) {
    return take(json, key) && take_plain(json, value);
  };
  auto spelled_as_ours =
      plain(R"({"version":2,"payload_id":")", head.name.payload_id) &&
      plain(R"(,"idempotency_key":")", head.name.idempotency_key) &&
      plain(R"(,"status":")", head.status) && plain(R"(,"timestamp":")", head.timestamp) &&
      plain(R"(,"source":")", head.name.source) &&
      plain(R"(,"destination":")", head.name.destination) &&
      plain(R"(,"subject":")", head.subject) && plain(R"(,"actor_type":")", head.actor_type) &&
      plain(R"(,"actor_id":")", head.actor_id) && take(json, R"(,"payload":)");
  if (!spelled_as_ours || !json.ends_with('}')) return {};
  if (how == json_check::head) return head;
  json.remove_suffix(1);
  // We write no white space there, and it is no part of the value.
  if (json.empty() || core::json::is_space(json.front()) || core::json::is_space(json.back()))
    return {};
  if (!core::json::validate(json, core::json::depth_max - 1)) return {};
  head.payload = json;
  auto seconds = seconds_of(head.timestamp);
  if (!seconds) return {};
  head.seconds = *seconds;
  return head;
}

void assign(core::entry& out, const entry_head& head) {
  out.version = 2;
  out.payload_id = head.name.payload_id;
  out.idempotency_key = head.name.idempotency_key;
  out.status = head.status;
  out.timestamp = *core::normalize_timestamp(head.timestamp);  // read_head has read it
  out.source = head.name.source;
  out.destination = head.name.destination;
  out.subject = head.subject;
  out.actor_type = head.actor_type;
  out.actor_id = head.actor_id;
  out.payload = head.payload;
  out.extension.clear();
  out.entry_type.clear();
}

std::uint32_t unix_seconds(std::string_view timestamp) {
  return seconds_of(timestamp).value_or(0);
}

}  // namespace nexus::wal
