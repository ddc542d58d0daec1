#include "ingest/door.hpp"

#include <algorithm>
#include <any>
#include <string_view>
#include <utility>

#include "http/errors.hpp"
#include "ingest/admin.hpp"
#include "ingest/audit.hpp"
#include "ingest/authenticate.hpp"
#include "ingest/config_view.hpp"
#include "ingest/consistency.hpp"
#include "ingest/dead_letters.hpp"
#include "ingest/destinations.hpp"
#include "ingest/interaction.hpp"
#include "ingest/key_note.hpp"
#include "ingest/openapi.hpp"
#include "ingest/otlp_logs.hpp"
#include "ingest/query.hpp"
#include "ingest/reload.hpp"
#include "ingest/security_view.hpp"
#include "ingest/write_checks.hpp"

namespace nexus::ingest {
namespace {

/// Bodies of requests that need none are ignored; this much of them is taken. Not more than the
/// HTTP server takes without counting, so that they have no part in the memory for bodies that
/// matter.
constexpr std::uint64_t ignored_body_bytes_max = 16 * 1024;
/// The same while it is not known who sends; whoever sends more comes again.
constexpr std::uint64_t unknown_body_bytes_max = 16 * 1024;

/// What on_header found out about a request.
struct admitted {
  route where;
  snapshot_ptr config;
  const active_source* source = nullptr;  ///< of `config`; null: the admin, or nobody
  bool awaits_keys = false;               ///< who asks will be known once keys are fetched
  std::string origin;                     ///< for cors_rules::add_headers, if not empty
};

/// What is refused to some endpoint's clients in the form that they want.
http::response refusal_for(const http::request& request, http::response answer) {
  const auto match = find_route(request.method, request.path);
  const bool is_logs = match.found && match.found->target == endpoint::logs;
  return is_logs ? as_otlp_answer(std::move(answer)) : answer;
}

/// Adds what a browser needs to let the page see the answer.
http::respond_fn with_origin(const snapshot_ptr& config, const std::string& origin,
                             http::respond_fn respond) {
  return [config, origin, respond = std::move(respond)](http::response answer) {
    config->cors().add_headers(origin, answer);
    respond(std::move(answer));
  };
}

/// To whoever answers it. `in` need not live longer than the call.
void dispatch(const services_ptr& house, const admitted& in, http::request request,
              http::respond_fn respond) {
  switch (in.where.target) {
    case endpoint::inbound:
    case endpoint::batch:
    case endpoint::memories:
    case endpoint::logs:
    case endpoint::events:
      return dispatch_write(house, in.config, *in.source, in.where, std::move(request),
                            std::move(respond));
    case endpoint::query:
      return handle_query(house, in.config, in.source, in.where.parameter, request,
                          std::move(respond));
    case endpoint::health:
      return respond(health_response(*house));
    case endpoint::ready:
      return respond(ready_response(*house));
    case endpoint::status:
      return respond(status_response(*house, in.config->settings()));
    case endpoint::shutdown:
      return handle_shutdown(*house, respond);
    case endpoint::config:
      return respond(config_response(in.config->settings()));
    case endpoint::policies:
      return respond(policies_response(in.config->settings()));
    case endpoint::lint:
      return handle_lint(house, in.config->settings(), std::move(respond));
    case endpoint::reload:
      return handle_reload(house, std::move(respond));
    case endpoint::metrics:
      return respond(metrics_response(*house));
    case endpoint::destinations:
      return respond(destinations_response(*house));
    case endpoint::pause:
      return handle_switch(house, destination_switch::pause, in.where.parameter,
                           std::move(respond));
    case endpoint::resume:
      return handle_switch(house, destination_switch::resume, in.where.parameter,
                           std::move(respond));
    case endpoint::consistency:
      return handle_consistency(house, request, std::move(respond));
    case endpoint::dead_letters:
      return handle_dead_letters(house, request, std::move(respond));
    case endpoint::dead_letter:
      return handle_dead_letter(house, in.where.parameter, request, std::move(respond));
    case endpoint::redrive:
      return handle_dead_letter_action(house, dead_letter_action::redrive, request,
                                       std::move(respond));
    case endpoint::purge:
      return handle_dead_letter_action(house, dead_letter_action::purge, request,
                                       std::move(respond));
    case endpoint::security_events:
      return respond(security_events_response(*house, request));
    case endpoint::security_summary:
      return respond(security_summary_response(*house));
    case endpoint::audit_log:
    case endpoint::audit_stats:
    case endpoint::audit_export:
      return handle_audit(house, in.config->settings().audit, in.where.target, request,
                          std::move(respond));
    case endpoint::openapi:
      return respond(openapi_response());
  }
}

}  // namespace

door::door(std::shared_ptr<const config::config> settings, ports behind, core::logger_ptr log,
           core::metrics& metrics, door_options options)
    : services_(std::make_shared<services>(std::move(behind), std::move(log), metrics,
                                           std::move(options))) {
  apply(std::move(settings));
}

door::door(services_ptr house, snapshot_ptr config)
    : services_(std::move(house)), snapshot_(std::move(config)), may_wait_for_keys_(false) {}

http::header_decision door::on_header(const http::request& request) {
  const auto config = current();
  const std::string origin = config->cors().origin_of(request);
  if (auto answer = config->cors().preflight(request)) return {std::move(answer), 0, {}};
  auto decision = decide(request, config, origin);
  if (decision.refuse && services_->out.on_interaction)
    record_refusal(request, *config, *decision.refuse);
  if (decision.refuse) decision.refuse = refusal_for(request, std::move(*decision.refuse));
  if (decision.refuse && !origin.empty()) config->cors().add_headers(origin, *decision.refuse);
  return decision;
}

// Who shows no known token is not recorded here: anybody could fill the disk.
void door::record_refusal(const http::request& request, const snapshot& config,
                          const http::response& answer) const {
  const auto match = find_route(request.method, request.path);
  if (!match.found || match.found->needs == access_level::open) return;
  const auto who = config.auth().recognise(request.header("Authorization"));
  if (who.kind == token_class::unknown || who.kind == token_class::mcp) return;
  const bool is_source = who.kind == token_class::source;
  record_interaction(*services_, config, *match.found,
                     is_source ? &config.sources()[who.source] : nullptr, request, answer);
}

http::header_decision door::decide(const http::request& request, const snapshot_ptr& config,
                                   const std::string& origin) const {
  auto match = find_route(request.method, request.path);
  if (!match.found) return {std::move(match.refusal), 0, {}};
  admitted in{std::move(*match.found), config, nullptr, false, origin};
  auto caller = authenticate(*services_, *config, in.where, request, may_wait_for_keys_);
  if (caller.refused) return {std::move(caller.refused), 0, {}};
  in.source = caller.source;
  in.awaits_keys = caller.awaits_keys;
  if (auto refused = check_phase(in.where)) return {std::move(refused), 0, {}};
  if (in.awaits_keys) return {std::nullopt, unknown_body_bytes_max, std::move(in)};
  if (in.where.target == endpoint::redrive || in.where.target == endpoint::purge)
    return {std::nullopt, dead_letter_body_bytes_max, std::move(in)};
  if (!is_write(in.where.target)) return {std::nullopt, ignored_body_bytes_max, std::move(in)};
  if (auto refused = check_write_header(*services_, *in.source, in.where, request))
    return {std::move(refused), 0, {}};
  const auto bytes_max = write_bytes_max(*in.config, *in.source, in.where, request);
  const bool heavy = makes_many(in.where.target, request);
  return {std::nullopt, bytes_max, std::move(in), heavy};
}

// Before it serves there is nothing behind the door that could be asked.
std::optional<http::response> door::check_phase(const route& where) const {
  const door_phase phase = services_->phase;
  switch (where.target) {
    case endpoint::health:
    case endpoint::ready:
    case endpoint::metrics:
    case endpoint::shutdown:
    case endpoint::openapi:
      return std::nullopt;
    default:
      break;
  }
  if (phase == door_phase::draining && where.needs == access_level::admin) return std::nullopt;
  return not_serving_response(phase);
}

void door::on_request(http::request request, http::respond_fn respond) {
  const std::any context = std::move(request.context);
  const auto* in = std::any_cast<admitted>(&context);
  if (in == nullptr)
    return respond(http::error_response(500, "internal_error", "the request was not admitted"));
  if (in->awaits_keys) return await_keys(in->config, std::move(request), std::move(respond));
  if (!in->origin.empty()) respond = with_origin(in->config, in->origin, std::move(respond));
  if (services_->out.on_interaction && in->where.needs != access_level::open)
    respond =
        with_record(services_, *in->config, in->where, in->source, request, std::move(respond));
  dispatch(services_, *in, std::move(request), std::move(respond));
}

std::optional<core::time_point> door::restore_since() const {
  const auto now = current();
  std::optional<core::time_point> since;
  for (const auto& source : now->settings().sources) {
    if (!source.idempotency_enabled) continue;
    if (source.dedup_window.count() == 0) return core::time_point::min();
    const auto begin = services_->options.clock() - source.dedup_window;
    since = std::min(since.value_or(begin), begin);
  }
  return since;
}

void door::await_keys(snapshot_ptr config, http::request request, http::respond_fn respond) {
  // A door of its own: it may be asked after this one is gone.
  const std::shared_ptr<door> later(new door(services_, std::move(config)));
  const auto kept = std::make_shared<http::request>(std::move(request));
  services_->jwks->when_settled([later, kept, respond = std::move(respond)] {
    later->decide_again(std::move(*kept), respond);
  });
}

void door::decide_again(http::request request, const http::respond_fn& respond) {
  auto decision = on_header(request);
  if (decision.refuse) return respond(std::move(*decision.refuse));
  const auto bytes_max = decision.body_bytes_max;
  if (request.body_truncated && request.body.size() < bytes_max)
    return respond(refusal_for(
        request, http::error_response(503, "busy", "the keys for its token were missing", 1)));
  if (request.body.size() > bytes_max) {
    request.body.resize(static_cast<std::size_t>(bytes_max));
    request.body_truncated = true;
  }
  request.context = std::move(decision.context);
  on_request(std::move(request), respond);
}

void door::restore(const core::entry& written) {
  const auto now = current();
  const auto& all = now->settings().sources;
  const auto source = std::find_if(all.begin(), all.end(),
                                   [&](const auto& one) { return one.name == written.source; });
  if (source == all.end() || !source->idempotency_enabled) return;
  const auto note = read_key_note(written);
  const auto when = core::parse_timestamp(written.timestamp);
  if (!note || !when) return;
  services_->idempotency.restore(written.source, note->key, source->dedup_window,
                                 {written.payload_id, note->body}, *when);
}

snapshot_ptr door::current() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void door::apply(std::shared_ptr<const config::config> settings) {
  services_->jwks->use(settings->jwt.enabled ? settings->jwt.jwks_url : "");
  auto next = std::make_shared<snapshot>(std::move(settings), services_->metrics);
  for (const auto& source : next->sources())
    for (const auto& problem : source.fields.problems())
      services_->log->error("source " + source.settings.name + ", " + problem);
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = std::move(next);
}

void door::enter(door_phase phase) {
  services_->phase = phase;
}

}  // namespace nexus::ingest
