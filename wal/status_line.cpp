#include "wal/status_line.hpp"

#include <charconv>
#include <utility>

#include "core/json_text.hpp"

namespace nexus::wal {

namespace json = core::json;

namespace {

/// The elements of an array that are strings.
std::vector<std::string> strings_in(std::string_view array) {
  std::vector<std::string> found;
  json::members elements(array);
  while (const auto* one = elements.next())
    if (json::kind_of(one->value) == json::kind::string)
      found.push_back(json::unquote(one->value));
  return found;
}

}  // namespace

void append_json(std::string& out, const status_change& change) {
  auto text = [&](std::string_view key, std::string_view value) {
    out += key;
    json::append_quoted(out, value);
  };
  auto list = [&](std::string_view key, const std::vector<std::string>& values) {
    out += key;
    const char* separator = "[";
    for (const auto& value : values) text(std::exchange(separator, ","), value);
    out += values.empty() ? "[]" : "]";
  };
  text(R"({"version":2,"status":"STATUS","timestamp":)", change.at);
  text(R"(,"destination":)", change.destination);
  text(R"(,"entry_type":"status","mark":)", core::to_string(change.mark));
  if (change.mark == core::status::permanent_failure) text(R"(,"reason":)", change.reason);
  list(R"(,"ids":)", change.ids);
  if (!change.failed_at.empty()) list(R"(,"failed_at":)", change.failed_at);
  out += '}';
}

std::optional<status_change> parse_status_change(const core::entry& line) {
  status_change change;
  change.destination = line.destination;
  change.at = line.timestamp;
  bool has_mark = false;
  bool is_change = true;
  core::for_each_extension(line, [&](const json::member& item) {
    auto is = json::kind_of(item.value);
    if (item.key == "\"mark\"" && is == json::kind::string) {
      auto word = core::parse_status(json::unquote(item.value));
      is_change = is_change && word && *word != core::status::pending;
      change.mark = word.value_or(core::status::pending);
      has_mark = true;
    } else if (item.key == "\"reason\"" && is == json::kind::string) {
      change.reason = json::unquote(item.value);
    } else if (item.key == "\"ids\"" && is == json::kind::array) {
      change.ids = strings_in(item.value);
    } else if (item.key == "\"failed_at\"" && is == json::kind::array) {
      change.failed_at = strings_in(item.value);
    }
  });
  if (!has_mark || !is_change) return {};
  if (change.failed_at.size() != change.ids.size()) change.failed_at.clear();
  return change;
}

void append_synced_json(std::string& out, std::uint64_t offset, std::string_view timestamp) {
  out += R"({"version":2,"status":"STATUS","timestamp":)";
  json::append_quoted(out, timestamp);
  out += R"(,"entry_type":"synced","offset":)" + std::to_string(offset) + "}";
}

std::optional<std::uint64_t> parse_synced(const core::entry& line) {
  std::optional<std::uint64_t> synced;
  core::for_each_extension(line, [&](const json::member& item) {
    if (synced || item.key != "\"offset\"") return;
    std::uint64_t offset = 0;
    auto end = item.value.data() + item.value.size();
    auto [stopped, failure] = std::from_chars(item.value.data(), end, offset);
    if (failure == std::errc{} && stopped == end) synced = offset;
  });
  return synced;
}

std::optional<std::string> parse_key_id(const core::entry& line) {
  std::optional<std::string> id;
  core::for_each_extension(line, [&](const json::member& item) {
    if (!id && item.key == "\"key_id\"" && json::kind_of(item.value) == json::kind::string)
      id = json::unquote(item.value);
  });
  return id;
}

}  // namespace nexus::wal
