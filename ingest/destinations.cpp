#include "ingest/destinations.hpp"

#include <utility>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "http/errors.hpp"

namespace nexus::ingest {
void append_json(std::string& out, const destination_state& one) {
  core::json_object object(out);
  object.number("attempts", one.attempts)
      .text("breaker", one.breaker)
      .number("delivered", one.delivered)
      .number("failed", one.failed)
      .boolean("healthy", one.healthy)
      .text("last_error", one.last_error)
      .text("name", one.name);
  object.start("oldest_pending_seconds") += fmt::format("{}", one.oldest_pending_seconds);
  object.number("pending", one.pending)
      .number("queued", one.queued)
      .number("restarts", one.restarts)
      .text("state", one.state)
      .text("type", one.type)
      .end();
}

void append_json(std::string& out, const std::vector<destination_state>& all) {
  out += '[';
  for (const auto& one : all) {
    if (out.back() != '[') out += ',';
    append_json(out, one);
  }
  out += ']';
}

http::response destinations_response(const services& house) {
  http::response answer;
  append_json(answer.body, house.out.state().destinations);
  answer.body += '\n';
  return answer;
}

void handle_switch(const services_ptr& house, destination_switch to, const std::string& name,
                   http::respond_fn respond) {
  const auto& act = to == destination_switch::pause ? house->out.pause : house->out.resume;
  act(name, [house, respond = std::move(respond)](const core::result<destination_state>& state) {
    if (!state) return respond(refuse(*house, "pausing or resuming a destination", state.reason()));
    http::response answer;
    append_json(answer.body, *state);
    answer.body += '\n';
    respond(std::move(answer));
  });
}

}  // namespace nexus::ingest
