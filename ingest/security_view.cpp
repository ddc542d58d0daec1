#include "ingest/security_view.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <string_view>

#include "core/json_object.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

namespace type = security_event_type;

std::size_t limit_of(const http::request& request) {
  constexpr std::int64_t standard = 100;
  constexpr std::int64_t most = 1000;
  const auto parameters = query_parameters(request.query);
  const auto given = parameters.find("limit");
  if (given == parameters.end()) return standard;
  const std::string& text = given->second;
  std::int64_t limit = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size() || limit < 1)
    limit = standard;
  return static_cast<std::size_t>(std::min(limit, most));
}

std::string_view severity_of(std::string_view kind) {
  if (kind == type::wal_tamper_detected) return "error";
  for (const auto warning :
       {type::auth_failure, type::policy_denied, type::rate_limit_hit, type::security_events_lost})
    if (kind == warning) return "warn";
  return "info";
}

/// "from 192.0.2.1, on /inbound/app, reason: …"
std::string describe(const security_event& event) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    if (!text.empty()) text += ", ";
    (text += name) += value;
  };
  add("from ", event.ip);
  add("on ", event.endpoint);
  add("subject: ", event.subject);
  for (const auto& [name, value] : event.details) {
    const auto* words = std::get_if<std::string>(&value);
    add(name + ": ", words != nullptr ? *words : std::to_string(std::get<std::int64_t>(value)));
  }
  return text;
}

void append_event(std::string& out, const security_event& event) {
  using std::chrono::milliseconds;
  const auto since = event.timestamp.time_since_epoch();
  core::json_object object(out);
  object.number("ts", std::chrono::duration_cast<milliseconds>(since).count())
      .text("kind", event.event_type)
      .text("source", event.source)
      .text("severity", severity_of(event.event_type))
      .text("message", describe(event))
      .end();
}

}  // namespace

http::response security_events_response(const services& house, const http::request& request) {
  http::response answer;
  core::json_object body(answer.body);
  std::string& list = body.start("events") += '[';
  bool first = true;
  for (const auto& event : house.options.security->recent(limit_of(request))) {
    if (!std::exchange(first, false)) list += ',';
    append_event(list, event);
  }
  list += ']';
  if (!house.options.security->lasting())
    body.text("message", "security_events.enabled is false: only the latest are kept, in memory");
  body.end();
  answer.body += '\n';
  return answer;
}

http::response security_summary_response(const services& house) {
  const auto totals = house.options.security->totals();
  http::response answer;
  core::json_object body(answer.body);
  body.number("auth_failures_total", totals.auth_failures)
      .number("policy_denials_total", totals.policy_denials)
      .number("rate_limit_hits_total", totals.rate_limit_hits)
      .number("admin_calls_total", totals.admin_calls);
  std::string& list = body.start("by_source") += '{';
  bool first = true;
  for (const auto& [name, count] : totals.by_source) {
    if (!std::exchange(first, false)) list += ',';
    core::json::append_quoted(list, name);
    (list += ':') += std::to_string(count);
  }
  list += '}';
  body.end();
  answer.body += '\n';
  return answer;
}

}  // namespace nexus::ingest
