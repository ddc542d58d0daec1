#include "ingest/memories.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/ascii.hpp"
#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/write_answers.hpp"
#include "ingest/write_checks.hpp"
#include "ingest/write_context.hpp"
#include "ingest/write_many.hpp"
#include "ingest/write_results.hpp"

namespace nexus::ingest {
namespace {

using core::json::kind;
using core::json::kind_of;

struct message {
  std::size_t index = 0;  ///< in the body
  std::string_view raw;
  std::string role;
  std::string content;
};

struct conversation {
  bool is_empty = true;           ///< there is no message at all
  std::vector<message> messages;  ///< those with content
  std::string subject;
  std::string collection;
};

/// As the reference reads keys: whatever their case. `raw` with its quotes.
bool is_key(std::string_view raw, std::string_view word) {
  return core::same_but_case(core::json::unquote(raw), word);
}

/// Into a text: a string; null leaves it as it is; false: anything else.
bool read_text(std::string_view raw, std::string& out) {
  if (kind_of(raw) == kind::string) out = core::json::unquote(raw);
  return kind_of(raw) == kind::string || kind_of(raw) == kind::null;
}

bool read_message(std::string_view raw, message& out) {
  out.raw = raw;
  if (kind_of(raw) == kind::null) return true;
  if (kind_of(raw) != kind::object) return false;
  core::json::members members(raw);
  for (auto* one = members.next(); one != nullptr; one = members.next()) {
    if (is_key(one->key, "role") && !read_text(one->value, out.role)) return false;
    if (is_key(one->key, "content") && !read_text(one->value, out.content)) return false;
  }
  return true;
}

bool read_messages(std::string_view raw, conversation& out) {
  out.is_empty = true;
  out.messages.clear();
  if (kind_of(raw) == kind::null) return true;
  if (kind_of(raw) != kind::array) return false;
  core::json::members elements(raw);
  std::size_t index = 0;
  for (auto* one = elements.next(); one != nullptr; one = elements.next(), ++index) {
    out.is_empty = false;
    message read;
    read.index = index;
    if (!read_message(one->value, read)) return false;
    if (!read.content.empty()) out.messages.push_back(std::move(read));
  }
  return true;
}

/// `raw`: validated, no white space before it. False: a member is not of the kind that it should
/// be.
bool read_conversation(std::string_view raw, conversation& out) {
  if (kind_of(raw) == kind::null) return true;
  if (kind_of(raw) != kind::object) return false;
  core::json::members members(raw);
  for (auto* one = members.next(); one != nullptr; one = members.next()) {
    if (is_key(one->key, "messages") && !read_messages(one->value, out)) return false;
    if (is_key(one->key, "subject") && !read_text(one->value, out.subject)) return false;
    if (is_key(one->key, "collection") && !read_text(one->value, out.collection)) return false;
  }
  return true;
}

/// The body's checks, in the reference's order.
std::optional<http::response> read_body(std::string_view body, bool truncated,
                                        const config::source_config& source, conversation& out) {
  const auto length = core::json::value_length(body);
  if (!length.ok() && truncated)
    return body_too_large_response(static_cast<std::uint64_t>(source.payload_bytes_max));
  if (!length.ok())
    return http::error_response(400, "invalid_json",
                                "the body is not valid JSON: " + length.reason().text);
  auto value = body.substr(0, *length);
  value.remove_prefix(value.find_first_not_of(" \t\r\n"));
  if (!read_conversation(value, out))
    return http::error_response(400, "invalid_json",
                                "role, content, subject and collection are strings, messages is "
                                "an array of objects");
  if (out.is_empty) return http::error_response(400, "invalid_request", "there are no messages");
  return std::nullopt;
}

http::response accepted_messages(std::span<const write_item> items) {
  const auto refused = std::find_if(items.begin(), items.end(),
                                    [](const auto& item) { return item.refusal != nullptr; });
  if (refused != items.end()) return *refused->refusal;
  http::response answer;
  core::json_object body(answer.body);
  std::string& ids = body.start("payload_ids");
  char separator = '[';
  for (const auto& item : items) {
    ((ids += separator) += '"') += *item.payload_id;
    ids += '"';
    separator = ',';
  }
  ids += items.empty() ? "[]" : "]";
  const bool late = std::any_of(items.begin(), items.end(), is_undelivered);
  const bool all_there = !items.empty() && !late &&
                         std::all_of(items.begin(), items.end(),
                                     [](const auto& item) { return item.delivery != nullptr; });
  if (late) answer.status = 202;
  body.text("status", late ? "durable" : all_there ? "delivered" : "accepted").end();
  answer.body += '\n';
  return answer;
}

void fill_list(const http::request& request, const config::source_config& source, conversation from,
               write_list& list) {
  list.as_single_requests = true;
  list.context.actor_type = source.default_actor_type;
  list.context.subject =
      from.subject.empty() ? header_or(request, "X-Subject", source.name_space) : from.subject;
  core::append_texts(list.shared, {from.subject, from.collection});
  const auto key = idempotency_key(request);
  for (auto& message : from.messages) {
    auto& item = list.items.emplace_back();
    item.value = message.raw;
    item.fields = std::make_unique<mapping::mapped_fields>();
    item.fields->collection = from.collection;
    item.fields->content = std::move(message.content);
    item.fields->role = std::move(message.role);
    if (!key.empty()) list.keys.push_back(item_key(key, "message", message.index));
  }
}

}  // namespace

void handle_memories(const services_ptr& house, snapshot_ptr config, const active_source& source,
                     http::request request, http::respond_fn respond) {
  write_list list;
  const std::string_view body = list.texts.emplace_back(std::move(request.body));
  conversation found;
  if (auto refused = read_body(body, request.body_truncated, source.settings, found))
    return respond(std::move(*refused));
  if (auto refused = check_write_policy(*house, source, request))
    return respond(std::move(*refused));
  if (found.messages.empty()) return respond(accepted_messages({}));
  const auto most = entries_max(config->settings().limits, request,
                                found.subject.size() + found.collection.size());
  if (found.messages.size() > most) return respond(too_many_entries_response(most));
  fill_list(request, source.settings, std::move(found), list);
  list.request = std::move(request);
  write_many(house, std::move(config), source, std::move(list), accepted_messages,
             std::move(respond));
}

}  // namespace nexus::ingest
