#include "ingest/query.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "config/config.hpp"
#include "core/json_object.hpp"
#include "http/errors.hpp"
#include "ingest/access.hpp"
#include "ingest/actor_type.hpp"
#include "ingest/cursor.hpp"
#include "ingest/media_type.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

/// In whose name a query runs.
struct reader_identity {
  std::string name;
  std::string rate_key;
  std::int64_t requests_per_minute;
  std::string name_space;
  std::string default_profile;
};

reader_identity identify(const config::config& settings, const active_source* source) {
  if (source == nullptr)
    return {"_admin", "_admin:read", settings.global_requests_per_minute, "default", "deep"};
  const auto& own = source->settings;
  return {own.name, source->read_rate_key, own.requests_per_minute, own.name_space,
          own.default_profile};
}

using parameter_map = std::map<std::string, std::string, std::less<>>;

std::string parameter(const parameter_map& parameters, std::string_view name) {
  const auto at = parameters.find(name);
  return at == parameters.end() ? std::string() : at->second;
}

std::size_t parse_limit(const std::string& text) {
  constexpr std::int64_t standard = 20;
  constexpr std::int64_t most = 200;
  std::int64_t limit = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size() || limit <= 0)
    limit = standard;
  return static_cast<std::size_t>(std::min(limit, most));
}

bool is_profile(std::string_view word) {
  const auto& known = config::query_profiles;
  return std::find(known.begin(), known.end(), word) != known.end();
}

/// What was asked, as far as the answer needs it.
struct query_request {
  destinations::query what;
  std::string profile;
  std::string_view stage;
  bool as_events = false;  ///< the client wants them as server-sent events
};

/// Fills `out`; or says what is wrong with the parameters.
std::optional<http::response> parse_query(const http::request& request, const reader_identity& who,
                                          const std::string& destination, query_request& out) {
  const auto parameters = query_parameters(request.query);
  auto& what = out.what;
  what.name_space = who.name_space;
  what.destination = destination;
  what.text = parameter(parameters, "q");
  what.subject = parameter(parameters, "subject");
  if (what.subject.empty()) what.subject = request.header("X-Subject").value_or("");
  what.actor_type = parameter(parameters, "actor_type");
  what.limit = parse_limit(parameter(parameters, "limit"));
  if (!what.actor_type.empty() && !is_actor_type(what.actor_type))
    return http::error_response(400, "invalid_actor_type",
                                "the actor type must be user, agent or system");
  out.profile = parameter(parameters, "profile");
  if (!out.profile.empty() && !is_profile(out.profile))
    return http::error_response(400, "invalid_profile",
                                "the profile must be fast, balanced or deep");
  if (out.profile.empty()) out.profile = who.default_profile;
  const std::string cursor = parameter(parameters, "cursor");
  const auto offset = decode_cursor(cursor);
  if (!offset)
    return http::error_response(400, "invalid_cursor",
                                "the cursor is not one that a query returned");
  what.offset = *offset;
  const bool by_subject_only =
      !what.subject.empty() && what.text.empty() && what.actor_type.empty() && cursor.empty();
  out.stage = by_subject_only ? "fast_path" : "structured";
  out.as_events = accepts(request, "text/event-stream");
  return std::nullopt;
}

std::string to_array(const std::vector<std::string>& records) {
  std::string out = "[";
  for (const auto& record : records) {
    if (out.size() > 1) out += ',';
    out += record;
  }
  return out += ']';
}

void append_about(core::json_object& into, const query_request& asked,
                  const destinations::query_page& page) {
  core::json_object about(into.start("_nexus"));
  about.number("result_count", page.records.size()).boolean("has_more", page.has_more);
  if (page.has_more)
    about.text("next_cursor", encode_cursor(asked.what.offset + page.records.size()));
  about.text("profile", asked.profile)
      .text("stage", asked.stage)
      .text("retrieval_stage", asked.stage)
      .end();
}

/// An event of `text/event-stream`: each of its lines is one of the event's data.
void append_event(std::string& out, std::string_view data) {
  for (std::size_t end = 0; end != std::string_view::npos;) {
    end = data.find('\n');
    ((out += "data: ") += data.substr(0, end)) += '\n';
    if (end != std::string_view::npos) data.remove_prefix(end + 1);
  }
  out += '\n';
}

http::response found_as_events(const query_request& asked, const destinations::query_page& page) {
  http::response answer;
  answer.content_type = "text/event-stream";
  for (const auto& record : page.records) append_event(answer.body, record);
  std::string last;
  core::json_object body(last);
  append_about(body, asked, page);
  body.end();
  append_event(answer.body, last);
  return answer;
}

http::response found(const query_request& asked, const destinations::query_page& page) {
  if (asked.as_events) return found_as_events(asked, page);
  http::response answer;
  const std::string records = to_array(page.records);
  core::json_object body(answer.body);
  body.start("results") += records;
  body.start("records") += records;
  body.boolean("has_more", page.has_more);
  append_about(body, asked, page);
  body.end();
  answer.body += '\n';
  return answer;
}

/// The checks before the parameters.
std::optional<http::response> check_reader(services& house, const snapshot& config,
                                           const active_source* source, const reader_identity& who,
                                           const http::request& request) {
  if (source != nullptr && !source->settings.can_read)
    return http::error_response(403, "source_not_permitted_to_read", "this source may not read");
  auto& hits =
      house.metrics.get_counter("bubblefish_rate_limit_hits_total",
                                "Requests refused by the rate limit", {{"source", who.name}});
  return check_rate(house, config, request,
                    {who.name, who.rate_key, who.requests_per_minute, hits});
}

void find(const services_ptr& house, query_request asked, const std::string& reader,
          http::respond_fn respond) {
  auto& latency = house->metrics.get_histogram("bubblefish_read_latency_seconds",
                                               "Time from a query to its answer",
                                               {{"source", reader}, {"endpoint", "/query"}});
  const auto started = house->options.steady_clock();
  auto what = asked.what;
  house->out.find(
      std::move(what), [house, asked = std::move(asked), started, &latency,
                        respond = std::move(respond)](core::result<destinations::query_page> page) {
        latency.observe(house->seconds_since(started));
        if (page.ok()) return respond(found(asked, *page));
        // As in the reference, a destination with nothing to read from has no results.
        if (page.reason().code == core::errc::not_found) return respond(found(asked, {}));
        house->log->warn("query of destination " + asked.what.destination +
                         " failed: " + page.reason().text);
        respond(http::error_response(500, "internal_error", "the destination could not be read"));
      });
}

}  // namespace

void handle_query(const services_ptr& house, const snapshot_ptr& config,
                  const active_source* source, const std::string& destination,
                  const http::request& request, http::respond_fn respond) {
  const auto who = identify(config->settings(), source);
  if (auto refused = check_reader(*house, *config, source, who, request))
    return respond(std::move(*refused));
  query_request asked;
  if (auto refused = parse_query(request, who, destination, asked))
    return respond(std::move(*refused));
  if (source != nullptr)
    if (const auto why = check_read(source->settings.policy, destination, asked.profile))
      return respond(deny(*house, *source, request, {"read", destination}, *why));
  find(house, std::move(asked), who.name, std::move(respond));
}

}  // namespace nexus::ingest
