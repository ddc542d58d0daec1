#include "ingest/cloud_events.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/ascii.hpp"
#include "core/base64.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/media_type.hpp"
#include "ingest/url.hpp"
#include "ingest/write_answers.hpp"
#include "ingest/write_context.hpp"
#include "ingest/write_many.hpp"
#include "ingest/write_results.hpp"

namespace nexus::ingest {
namespace {

using core::json::kind;
using core::json::kind_of;

constexpr std::string_view structured_type = "application/cloudevents+json";
constexpr std::string_view batch_type = "application/cloudevents-batch+json";
constexpr std::array<std::string_view, 4> required{"specversion", "id", "source", "type"};

http::response invalid_event(const std::string& why) {
  return http::error_response(400, "invalid_event", "not a CloudEvent: " + why);
}

/// Its length goes first: neither part can be taken for some of the other.
std::string event_key(const std::string& source, const std::string& id) {
  return "cloudevent:" + std::to_string(source.size()) + ":" + source + ":" + id;
}

/// What is needed of an event in its JSON format.
struct event_head {
  std::array<std::string, required.size()> values;  ///< of the required attributes
  bool has_data = false;
  bool has_base64 = false;

  const std::string& id() const { return values[1]; }
  const std::string& source() const { return values[2]; }
};

/// `event`: a validated object.
std::optional<http::response> read_head(std::string_view event, event_head& out) {
  core::json::members members(event);
  for (auto* one = members.next(); one != nullptr; one = members.next()) {
    const auto name = one->key.substr(1, one->key.size() - 2);
    if (name == "data") out.has_data = true;
    if (name == "data_base64") out.has_base64 = true;
    for (std::size_t i = 0; i < required.size(); ++i) {
      if (name != required[i]) continue;
      if (kind_of(one->value) != kind::string)
        return invalid_event("the attribute " + std::string(name) + " is not a string");
      if (out.values[i].empty()) out.values[i] = core::json::unquote(one->value);
    }
  }
  for (std::size_t i = 0; i < required.size(); ++i)
    if (out.values[i].empty())
      return invalid_event("the attribute " + std::string(required[i]) + " is missing");
  if (out.values[0] != "1.0") return invalid_event("the attribute specversion must be 1.0");
  if (out.has_data && out.has_base64) return invalid_event("it has data and data_base64");
  return std::nullopt;
}

void add_event(std::string_view event, const config::source_config& source, write_list& list) {
  auto& item = list.items.emplace_back();
  auto& key = list.keys.emplace_back();
  item.value = event;
  const auto bytes_max = static_cast<std::uint64_t>(source.payload_bytes_max);
  event_head head;
  std::optional<http::response> refused;
  if (event.size() > bytes_max) {
    refused = value_too_large_response(bytes_max);
  } else if (kind_of(event) != kind::object) {
    refused = invalid_event("an event is a JSON object");
  } else {
    refused = read_head(event, head);
  }
  if (refused) {
    item.refusal = refuse_item(std::move(*refused));
  } else {
    key = event_key(head.source(), head.id());
  }
}

/// The body as JSON, no white space around it.
std::optional<http::response> find_json(std::string_view body, std::string_view& out) {
  if (const auto valid = core::json::validate(body); !valid)
    return http::error_response(400, "invalid_json",
                                "the body is not valid JSON: " + valid.reason().text);
  constexpr std::string_view blanks = " \t\r\n";
  const auto start = body.find_first_not_of(blanks);
  out = body.substr(start, body.find_last_not_of(blanks) - start + 1);
  return std::nullopt;
}

std::optional<http::response> read_batch(std::string_view body, std::size_t most,
                                         const config::source_config& source, write_list& list) {
  std::string_view array;
  if (auto refused = find_json(body, array)) return refused;
  if (kind_of(array) != kind::array) return invalid_event("a batch is an array of events");
  core::json::members events(array);
  for (auto* one = events.next(); one != nullptr; one = events.next()) {
    if (list.items.size() == most) return too_many_entries_response(most);
    add_event(one->value, source, list);
  }
  return std::nullopt;
}

bool is_attribute_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
}

/// The name of an attribute that a header carries, in lower case; empty: it carries none.
std::string attribute_of(std::string_view header) {
  constexpr std::string_view prefix = "ce-";
  const std::string name = core::to_lower(std::string(header));
  return name.starts_with(prefix) ? name.substr(prefix.size()) : std::string();
}

/// A header's value as the binding has it: quotes around it taken off, then percent-decoded.
std::optional<std::string> attribute_value(std::string_view raw) {
  std::string text;
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') {
    text = raw;
  } else {
    raw = raw.substr(1, raw.size() - 2);
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '\\' && i + 1 < raw.size()) ++i;
      text += raw[i];
    }
  }
  return decode_segment(text);
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += out.size() > 1 ? ",\"" : "\"";
  (out += name) += "\":";
  core::json::append_quoted(out, value);
}

bool is_json_type(std::string_view type) {
  return type.ends_with("/json") || type.ends_with("+json");
}

bool is_text_type(std::string_view type) {
  return type.starts_with("text/") || type == "application/xml" || type.ends_with("+xml");
}

/// The data of an event in binary mode, as a member of its JSON format. Of a body without a type,
/// JSON is taken as JSON.
std::optional<http::response> append_data(std::string& out, const http::request& request) {
  const std::string& body = request.body;
  if (body.empty()) return std::nullopt;
  const auto type = media_type(request);
  std::string_view value;
  if (type.empty() || is_json_type(type)) {
    auto refused = find_json(body, value);
    if (refused && !type.empty()) return refused;
  }
  if (!value.empty()) {
    (out += ",\"data\":") += value;
  } else if ((type.empty() || is_text_type(type)) && core::json::is_utf8(body)) {
    append_member(out, "data", body);
  } else {
    out += ",\"data_base64\":\"";
    core::append_base64(out, body);
    out += '"';
  }
  return std::nullopt;
}

/// The JSON format of an event in binary mode: its attributes are in headers, the body is its data.
/// They come in an order of their own: that of the headers says nothing, and may change on the way.
std::optional<http::response> read_binary(const http::request& request, std::string& out) {
  std::map<std::string, std::string> attributes;
  for (const auto& [header, raw] : request.headers) {
    const auto name = attribute_of(header);
    if (name.empty() || name == "datacontenttype") continue;
    if (!is_attribute_name(name) || name == "data")
      return invalid_event(header + " is no name of an attribute");
    const auto value = attribute_value(raw);
    if (!value) return invalid_event("malformed escape in the attribute " + name);
    attributes.emplace(name, *value);
  }
  if (attributes.empty())
    return invalid_event("neither ce- headers nor Content-Type " + std::string(structured_type));
  out = "{";
  for (const auto& [name, value] : attributes) append_member(out, name, value);
  if (const auto type = request.header("Content-Type"); type && !type->empty())
    append_member(out, "datacontenttype", *type);
  if (auto refused = append_data(out, request)) return refused;
  out += '}';
  return std::nullopt;
}

std::optional<http::response> read_one(http::request& request, const config::source_config& source,
                                       write_list& list) {
  std::string_view event;
  if (media_type(request) == structured_type) {
    if (auto refused = find_json(list.texts.emplace_back(std::move(request.body)), event))
      return refused;
  } else {
    auto& text = list.texts.emplace_back();
    if (auto refused = read_binary(request, text)) return refused;
    event = text;
  }
  add_event(event, source, list);
  return std::nullopt;
}

}  // namespace

bool is_event_batch(const http::request& request) {
  return media_type(request) == batch_type;
}

std::optional<http::response> check_event_type(const http::request& request) {
  const auto type = media_type(request);
  if (!type.starts_with("application/cloudevents") || type == structured_type || type == batch_type)
    return std::nullopt;
  return http::error_response(415, "unsupported_media_type",
                              "events are taken in JSON: Content-Type " +
                                  std::string(structured_type) + " or " + std::string(batch_type) +
                                  ", or in binary mode");
}

void handle_events(const services_ptr& house, snapshot_ptr config, const active_source& source,
                   http::request request, http::respond_fn respond) {
  const auto& limits = config->settings().limits;
  const bool batch = is_event_batch(request);
  const auto bytes_max = batch ? limits.max_batch_bytes : source.settings.payload_bytes_max;
  write_list list;
  if (auto refused =
          read_context_of_whole(*house, *config, source.settings, request, bytes_max, list.context))
    return respond(std::move(*refused));
  auto refused = batch ? read_batch(list.texts.emplace_back(std::move(request.body)),
                                    entries_max(limits, request), source.settings, list)
                       : read_one(request, source.settings, list);
  if (refused) return respond(std::move(*refused));
  auto answer =
      batch ? items_answer(results_response) : [&source](std::span<const write_item> items) {
        return single_response(source, items.front());
      };
  list.request = std::move(request);
  write_many(house, std::move(config), source, std::move(list), std::move(answer),
             std::move(respond));
}

}  // namespace nexus::ingest
