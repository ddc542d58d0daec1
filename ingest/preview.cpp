#include "ingest/preview.hpp"

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/json_text.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "ingest/door.hpp"
#include "ingest/url.hpp"

namespace nexus::ingest {
namespace {

ports ports_into(std::vector<core::entry_ptr>& taken) {
  ports behind;
  behind.append = [&taken](std::vector<core::entry_ptr> entries, const append_done& done,
                           const std::optional<core::confirmation>& wanted) {
    core::delivery_report delivered;
    for (const auto& entry : entries)
      delivered[entry->destination] = core::delivery_state::delivered;
    taken = std::move(entries);
    done({});
    if (wanted) wanted->done(delivered);
  };
  behind.keys_wait = [](const auto&, const auto&, std::span<const std::string> keys) {
    return std::vector<bool>(keys.size());
  };
  behind.fetch_jwks = [](const std::string&, const auto& done) {
    done(core::error{core::errc::unsupported, "a preview fetches nothing"});
  };
  return behind;
}

http::request make_request(const config::source_config& source, http::header_list headers) {
  http::request request;
  request.method = "POST";
  request.path = "/inbound/" + encode_segment(source.name);
  request.headers = std::move(headers);
  if (!request.header("Authorization") && !source.api_keys.empty())
    request.headers.emplace_back("Authorization",
                                 "Bearer " + std::string(source.api_keys.front().reveal()));
  return request;
}

void read_answer(const http::response& answer, write_preview& out) {
  out.status = answer.status;
  if (answer.status < 400) return;
  out.error = "unknown";
  const auto read = core::json::for_each_member(
      answer.body, [&out](const core::json::member& member) -> core::result<void> {
        if (member.key == "\"error\"") out.error = core::json::unquote(member.value);
        if (member.key == "\"message\"") out.message = core::json::unquote(member.value);
        return {};
      });
  if (!read.ok()) out.message = answer.body;
}

}  // namespace

write_preview preview_write(const std::shared_ptr<const config::config>& settings,
                            const config::source_config& source, http::header_list headers,
                            std::string body) {
  write_preview out;
  core::metrics metrics;
  door entrance(settings, ports_into(out.entries), core::make_null_logger(), metrics, {});
  entrance.enter(door_phase::serving);
  auto request = make_request(source, std::move(headers));
  auto decision = entrance.on_header(request);
  if (decision.refuse) {
    read_answer(*decision.refuse, out);
    return out;
  }
  request.body_truncated = body.size() > decision.body_bytes_max;
  if (request.body_truncated) body.resize(decision.body_bytes_max);
  request.body = std::move(body);
  request.context = std::move(decision.context);
  // The ports answer at once, so the door does.
  entrance.on_request(std::move(request),
                      [&out](const http::response& answer) { read_answer(answer, out); });
  return out;
}

}  // namespace nexus::ingest
