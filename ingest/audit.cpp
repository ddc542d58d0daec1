#include "ingest/audit.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "core/json_text.hpp"
#include "http/errors.hpp"
#include "ingest/media_type.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

constexpr std::uint64_t records_max = 1000;
constexpr std::uint64_t offset_max = 1'000'000'000'000;

using parameter_map = std::map<std::string, std::string, std::less<>>;

/// Zero, and what is no number, count as `standard`.
std::uint64_t number_of(const std::string& text, std::uint64_t standard) {
  std::uint64_t number = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = done.ec == std::errc() && done.ptr == text.data() + text.size();
  return is_number && number > 0 ? number : standard;
}

/// Fills `to`, if there is a text; false: it is no time.
bool take_time(std::optional<core::time_point>& to, const std::string& text) {
  if (text.empty()) return true;
  to = core::parse_timestamp(text);
  return to.has_value();
}

std::optional<http::response> read_choice(interaction_choice& to, const http::request& request) {
  auto parameters = query_parameters(request.query);
  auto& which = to.which;
  for (const auto& [name, where] :
       {std::pair{"source", &which.source}, std::pair{"actor_type", &which.actor_type},
        std::pair{"actor_id", &which.actor_id}, std::pair{"operation", &which.operation},
        std::pair{"policy_decision", &which.policy_decision}, std::pair{"subject", &which.subject},
        std::pair{"destination", &which.destination}})
    *where = std::move(parameters[name]);
  to.limit = std::min(number_of(parameters["limit"], 100), records_max);
  to.offset = std::min(number_of(parameters["offset"], 0), offset_max);
  const std::string wanted = " must be a time such as 2026-01-31T12:00:00Z";
  if (!take_time(which.after, parameters["after"]))
    return http::error_response(400, "invalid_after", "\"after\"" + wanted);
  if (!take_time(which.before, parameters["before"]))
    return http::error_response(400, "invalid_before", "\"before\"" + wanted);
  return std::nullopt;
}

void append_records(std::string& out, const std::vector<audit::record>& records) {
  out += '[';
  for (const auto& one : records) {
    if (out.back() != '[') out += ',';
    append_json(out, one);
  }
  out += ']';
}

/// `disabled`: there is no log to read.
http::response log_answer(const interaction_choice& asked, const audit::page& found,
                          bool disabled = false) {
  http::response answer;
  core::json_object body(answer.body);
  append_records(body.start("records"), found.records);
  body.number("total_matching", found.total)
      .number("limit", asked.limit)
      .number("offset", asked.offset)
      .boolean("has_more", asked.offset + found.records.size() < found.total);
  if (disabled) body.text("message", "the interaction log is not enabled");
  body.end();
  answer.body += '\n';
  return answer;
}

http::response export_answer(const audit::page& found, bool as_csv) {
  http::response answer;
  if (!as_csv) {
    append_records(answer.body, found.records);
    answer.body += '\n';
    return answer;
  }
  answer.content_type = "text/csv; charset=utf-8";
  answer.body = audit::csv_header();
  for (const auto& one : found.records) append_csv(answer.body, one);
  return answer;
}

/// A list of objects with the name under `key`.
void append_top(std::string& out, std::string_view key, const audit::name_counts& counts) {
  out += '[';
  for (const auto& [name, count] : counts) {
    if (out.back() != '[') out += ',';
    core::json_object(out).text(key, name).number("count", count).end();
  }
  out += ']';
}

void append_counts(std::string& out, const audit::name_counts& counts) {
  char separator = '{';
  if (counts.empty()) out += separator;
  for (const auto& [name, count] : counts) {
    out += separator;
    core::json::append_quoted(out, name);
    out += ':' + std::to_string(count);
    separator = ',';
  }
  out += '}';
}

http::response statistics_answer(const audit::statistics& of) {
  const double total = static_cast<double>(of.total);
  // Less than an hour of records counts as an hour, or a handful of them would look like a flood.
  const double hours =
      std::max(1.0, std::chrono::duration<double, std::ratio<3600>>(of.last - of.first).count());
  http::response answer;
  core::json_object body(answer.body);
  body.number("total_records", of.total);
  body.start("interactions_per_hour") += fmt::format("{:.3f}", total / hours);
  body.start("denial_rate") +=
      fmt::format("{:.4f}", of.total == 0 ? 0.0 : static_cast<double>(of.denied) / total);
  append_top(body.start("top_sources"), "source", of.sources);
  append_top(body.start("top_actors"), "actor_id", of.actors);
  append_counts(body.start("by_operation"), of.operations);
  append_counts(body.start("by_decision"), of.decisions);
  body.end();
  answer.body += '\n';
  return answer;
}

void answer_statistics(const services_ptr& house, interaction_choice asked,
                       http::respond_fn respond) {
  if (!house->out.count_interactions) return respond(statistics_answer({}));
  house->out.count_interactions(
      std::move(asked.which),
      [house, respond = std::move(respond)](const core::result<audit::statistics>& counted) {
        respond(counted ? statistics_answer(*counted)
                        : refuse(*house, "interaction log", counted.reason()));
      });
}

}  // namespace

void handle_audit(const services_ptr& house, const config::audit_config& settings, endpoint what,
                  const http::request& request, http::respond_fn respond) {
  if (const auto wait = house->rate.count("_audit_admin", settings.admin_requests_per_minute))
    return respond(http::error_response(429, "rate_limit_exceeded",
                                        "too many requests for the interaction log", *wait));
  interaction_choice asked;
  if (auto wrong = read_choice(asked, request)) return respond(std::move(*wrong));
  if (what == endpoint::audit_stats)
    return answer_statistics(house, std::move(asked), std::move(respond));
  const bool exports = what == endpoint::audit_export;
  const bool as_csv = accepts(request, "text/csv");
  if (exports) asked.offset = 0, asked.limit = records_max;
  const auto answer = [exports, as_csv](const interaction_choice& choice, const audit::page& found,
                                        bool disabled) {
    return exports ? export_answer(found, as_csv) : log_answer(choice, found, disabled);
  };
  if (!house->out.find_interactions) return respond(answer(asked, {}, true));
  house->out.find_interactions(asked, [house, asked, answer, respond = std::move(respond)](
                                          const core::result<audit::page>& found) {
    respond(found ? answer(asked, *found, false)
                  : refuse(*house, "interaction log", found.reason()));
  });
}

}  // namespace nexus::ingest
