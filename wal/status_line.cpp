#include "wal/status_line.hpp"

#include "core/json_text.hpp"

namespace nexus::wal {

namespace json = core::json;

void append_json(std::string& out, const status_change& change, std::string_view timestamp) {
  auto text = [&](std::string_view key, std::string_view value) {
    out += key;
    json::append_quoted(out, value);
  };
  text(R"({"version":2,"status":"STATUS","timestamp":)", timestamp);
  text(R"(,"destination":)", change.destination);
  text(R"(,"entry_type":"status","mark":)", core::to_string(change.mark));
  if (change.mark == core::status::permanent_failure) text(R"(,"reason":)", change.reason);
  out += R"(,"ids":[)";
  const char* separator = "";
  for (const auto& id : change.ids) {
    text(separator, id);
    separator = ",";
  }
  out += "]}";
}

std::optional<status_change> parse_status_change(const core::entry& line) {
  status_change change;
  change.destination = line.destination;
  bool has_mark = false;
  // `extension` is a list of members with leading commas: made an object again to step through it.
  std::string object = "{" + line.extension.substr(line.extension.empty() ? 0 : 1) + "}";
  json::members items(object);
  while (const auto* item = items.next()) {
    auto is = json::kind_of(item->value);
    if (item->key == "\"mark\"" && is == json::kind::string) {
      auto word = core::parse_status(json::unquote(item->value));
      if (!word || *word == core::status::pending) return {};
      change.mark = *word;
      has_mark = true;
    } else if (item->key == "\"reason\"" && is == json::kind::string) {
      change.reason = json::unquote(item->value);
    } else if (item->key == "\"ids\"" && is == json::kind::array) {
      json::members ids(item->value);
      while (const auto* id = ids.next())
        if (json::kind_of(id->value) == json::kind::string)
          change.ids.push_back(json::unquote(id->value));
    }
  }
  if (!has_mark) return {};
  return change;
}

}  // namespace nexus::wal
