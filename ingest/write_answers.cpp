#include "ingest/write_answers.hpp"

#include <string_view>

#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"

namespace nexus::ingest {
namespace {

using core::delivery_state;

delivery_state state_of(const std::string& destination, const core::delivery_report& report) {
  const auto found = report.find(destination);
  return found == report.end() ? delivery_state::pending : found->second;
}

std::string_view to_word(delivery_state state) {
  switch (state) {
    case delivery_state::pending:
      return "pending";
    case delivery_state::delivered:
      return "delivered";
    case delivery_state::failed:
      break;
  }
  return "failed";
}

http::response with_status(const std::string& payload_id, std::string_view status) {
  http::response answer;
  core::json_object body(answer.body);
  body.text("payload_id", payload_id).text("status", status).end();
  answer.body += '\n';
  return answer;
}

/// `pending` and `failed` are lists of names; at least one is not empty.
std::string explain(const std::string& pending, const std::string& failed) {
  std::string text = "the entry is durable";
  if (!pending.empty()) text += "; it will be delivered to: " + pending;
  if (!failed.empty()) text += "; it has failed for good, and is a dead letter, at: " + failed;
  return text;
}

}  // namespace

http::response accepted_response(const std::string& payload_id) {
  return with_status(payload_id, "accepted");
}

http::response repeated_response(const idempotency_store::original& written,
                                 const idempotency_store::body_digest& body) {
  constexpr idempotency_store::body_digest unknown{};
  if (body == unknown || written.body == unknown || body == written.body)
    return accepted_response(written.payload_id);
  return http::error_response(422, "idempotency_mismatch",
                              "another body was sent with this idempotency key before; a new entry "
                              "needs a new key");
}

http::response empty_content_response() {
  return http::error_response(422, "empty_content",
                              "the content is empty, and this source requires some; see the "
                              "source's mapping");
}

http::response delivery_response(const std::string& payload_id,
                                 const std::vector<std::string>& destinations,
                                 const core::delivery_report& report) {
  std::string states = "{", pending, failed;
  for (const std::string& name : destinations) {
    const delivery_state state = state_of(name, report);
    if (states.size() > 1) states += ',';
    core::json::append_quoted(states, name);
    ((states += ":\"") += to_word(state)) += '"';
    if (state == delivery_state::delivered) continue;
    std::string& list = state == delivery_state::failed ? failed : pending;
    list += (list.empty() ? "" : ", ") + name;
  }
  states += '}';
  if (pending.empty() && failed.empty()) return with_status(payload_id, "delivered");
  http::response answer;
  answer.status = 202;
  core::json_object body(answer.body);
  body.text("payload_id", payload_id).text("status", "durable");
  body.start("destinations") += states;
  body.text("message", explain(pending, failed)).end();
  answer.body += '\n';
  return answer;
}

http::response entry_too_large_response() {
  return http::error_response(413, "payload_too_large", "the entry is too large for the log");
}

http::response body_too_large_response(std::uint64_t bytes_max) {
  auto answer = http::error_response(
      413, "payload_too_large",
      "the body is larger than may be sent here (" + std::to_string(bytes_max) + " bytes)");
  answer.close = true;
  return answer;
}

http::response value_too_large_response(std::uint64_t bytes_max) {
  return http::error_response(
      413, "payload_too_large",
      "the value is larger than this source may send (" + std::to_string(bytes_max) + " bytes)");
}

http::response append_failed_response(services& house, const core::error& why) {
  switch (why.code) {
    case core::errc::too_large:
      return entry_too_large_response();
    case core::errc::overloaded:
      return http::error_response(429, "queue_full", "too many entries are waiting to be delivered",
                                  5);
    case core::errc::wal_full:
      return http::error_response(503, "wal_full", "there is no space left for the log", 10);
    default:
      break;
  }
  house.metrics.get_counter("bubblefish_errors_total", "Internal errors", {{"type", "wal_append"}})
      .add();
  if (!house.append_failing.exchange(true))
    house.log->error("writes are refused, the log cannot take them: " + why.text);
  return http::error_response(500, "internal_error", "the payload could not be stored");
}

void note_appended(services& house) {
  if (house.append_failing.exchange(false)) house.log->info("writes are durable again");
}

}  // namespace nexus::ingest
