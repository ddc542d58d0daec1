#include "wal/entry_head.hpp"

#include <array>
#include <limits>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::wal {
namespace {

/// Takes `expected` from the front of `text`.
bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

/// Takes a string without escapes, in ASCII, whose opening quote has been taken.
bool take_plain(std::string_view& text, std::string_view& value) {
  std::size_t length = 0;
  for (; length < text.size(); ++length) {
    auto c = static_cast<unsigned char>(text[length]);
    if (c == '"') break;
    if (c < 0x20 || c >= 0x80 || c == '\\') return false;
  }
  if (length == text.size()) return false;
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
  return {value, value.status, value.entry_type, unix_seconds(value.timestamp)};
}

std::optional<entry_head> read_head(std::string_view json) {
  constexpr std::array<std::string_view, 9> keys{R"({"version":2,"payload_id":")",
                                                 R"(,"idempotency_key":")",
                                                 R"(,"status":")",
                                                 R"(,"timestamp":")",
                                                 R"(,"source":")",
                                                 R"(,"destination":")",
                                                 R"(,"subject":")",
                                                 R"(,"actor_type":")",
                                                 R"(,"actor_id":")"};
  std::array<std::string_view, keys.size()> values;
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (!take(json, keys[i]) || !take_plain(json, values[i])) return {};
  if (!take(json, R"(,"payload":)") || !json.ends_with('}')) return {};
  json.remove_suffix(1);
  if (!core::json::validate(json, core::json::depth_max - 1)) return {};
  auto seconds = seconds_of(values[3]);
  if (!seconds) return {};
  entry_head head;
  head.name.payload_id = values[0];
  head.name.idempotency_key = values[1];
  head.status = values[2];
  head.seconds = *seconds;
  head.name.source = values[4];
  head.name.destination = values[5];
  return head;
}

std::uint32_t unix_seconds(std::string_view timestamp) {
  return seconds_of(timestamp).value_or(0);
}

}  // namespace nexus::wal
