#include "ingest/admin.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "http/errors.hpp"
#include "ingest/destinations.hpp"

namespace nexus::ingest {
namespace {

void append_wal(std::string& out, const pipeline_state& state, const config::config& settings) {
  core::json_object object(out);
  object.number("crc_failures", state.crc_failures)
      .text("current_segment", state.current_segment)
      .number("dead_letters", state.dead_letters)
      .text("error", state.wal_error)
      .boolean("healthy", state.wal_healthy)
      .number("integrity_failures", state.integrity_failures)
      .text("integrity_mode", settings.wal.mac ? "mac" : "crc32")
      .number("malformed_lines", state.malformed_lines);
  object.start("oldest_pending_seconds") += fmt::format("{}", state.oldest_pending_seconds);
  object.number("pending_bytes", state.pending_bytes)
      .number("pending_entries", state.pending_entries)
      .number("permanent_failures", state.permanent_failures)
      .number("quarantined_lines", state.quarantined_lines)
      .number("sentinel_failures", state.sentinel_failures)
      .number("torn_lines", state.torn_lines);
  core::json_object waiting(object.start("unclaimed"));
  for (const auto& [destination, entries] : state.unclaimed) {
    std::string key;  // a name from the log may hold anything
    core::json::append_quoted(key, destination);
    waiting.number(std::string_view(key).substr(1, key.size() - 2), entries);
  }
  waiting.end();
  object.number("undecodable_lines", state.undecodable_lines).end();
}

http::response say(int status, std::string_view word, std::string_view version) {
  http::response answer;
  answer.status = status;
  core::json_object body(answer.body);
  body.text("status", word);
  if (!version.empty()) body.text("version", version);
  body.end();
  answer.body += '\n';
  return answer;
}

}  // namespace

http::response health_response(const services& house) {
  return say(200, "ok", house.options.version);
}

http::response ready_response(const services& house) {
  const auto state = house.out.state();
  if (!state.wal_healthy)
    return http::error_response(503, "wal_unhealthy", "the log takes no writes");
  const auto& all = state.destinations;
  const auto ill =
      std::find_if(all.begin(), all.end(), [](const auto& one) { return !one.healthy; });
  if (ill != all.end())
    return http::error_response(503, "destination_unavailable",
                                "destination " + ill->name + " takes no entries");
  return say(200, "ready", house.options.version);
}

http::response status_response(const services& house, const config::config& settings) {
  const auto state = house.out.state();
  http::response answer;
  core::json_object body(answer.body);
  body.text("bind", fmt::format("{}:{}", settings.bind, settings.port));
  body.start("consistency_score") += fmt::format("{}", state.consistency_score);
  append_json(body.start("destinations"), state.destinations);
  body.boolean("draining", state.draining)
      .number("memories_total", state.memories_total)
      .number("pid", ::getpid())
      .number("queue_depth", state.queue_depth)
      .number("sources_total", settings.sources.size())
      .number("uptime_seconds", static_cast<std::int64_t>(house.seconds_since(house.started)))
      .text("version", house.options.version);
  append_wal(body.start("wal"), state, settings);
  body.end();
  answer.body += '\n';
  return answer;
}

http::response metrics_response(const services& house) {
  http::response answer;
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = house.metrics.text();
  return answer;
}

void handle_shutdown(const services& house, const http::respond_fn& respond) {
  house.log->info("stop requested over HTTP");
  respond(say(202, "shutting_down", ""));
  house.out.shutdown();
}

}  // namespace nexus::ingest
