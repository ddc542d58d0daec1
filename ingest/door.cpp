#include "ingest/door.hpp"

#include <algorithm>
#include <any>
#include <string_view>
#include <utility>

#include "http/errors.hpp"
#include "ingest/admin.hpp"
#include "ingest/audit.hpp"
#include "ingest/consistency.hpp"
#include "ingest/dead_letters.hpp"
#include "ingest/destinations.hpp"
#include "ingest/interaction.hpp"
#include "ingest/key_note.hpp"
#include "ingest/otlp_logs.hpp"
#include "ingest/query.hpp"
#include "ingest/reload.hpp"
#include "ingest/write_checks.hpp"

namespace nexus::ingest {
namespace {

/// Bodies of requests that need none are ignored; this much of them is taken.
constexpr std::uint64_t ignored_body_bytes_max = 64 * 1024;

/// Its clients want refusals in a form of their own.
constexpr std::string_view logs_path = "/v1/logs";

/// What on_header found out about a request.
struct admitted {
  route where;
  snapshot_ptr config;
  const active_source* source = nullptr;  ///< of `config`; null: the admin, or nobody
};

}  // namespace

door::door(std::shared_ptr<const config::config> settings, ports behind, core::logger_ptr log,
           core::metrics& metrics, door_options options)
    : services_(std::make_shared<services>(std::move(behind), std::move(log), metrics,
                                           std::move(options))) {
  apply(std::move(settings));
}

http::header_decision door::on_header(const http::request& request) {
  auto decision = decide(request);
  if (decision.refuse && services_->out.on_interaction) record_refusal(request, *decision.refuse);
  if (decision.refuse && request.path == logs_path)
    decision.refuse = as_otlp_answer(std::move(*decision.refuse));
  return decision;
}

// Who shows no known token is not recorded here: anybody could fill the disk.
void door::record_refusal(const http::request& request, const http::response& answer) const {
  const auto match = find_route(request.method, request.path);
  if (!match.found || match.found->needs == access_level::open) return;
  const auto now = current();
  const auto who = now->auth().recognise(request.header("Authorization"));
  if (who.kind == token_class::unknown) return;
  const bool is_source = who.kind == token_class::source;
  record_interaction(*services_, *match.found, is_source ? &now->sources()[who.source] : nullptr,
                     request, answer);
}

http::header_decision door::decide(const http::request& request) const {
  auto match = find_route(request.method, request.path);
  if (!match.found) return {std::move(match.refusal), 0, {}};
  admitted in{std::move(*match.found), current(), nullptr};
  if (in.where.needs != access_level::open) {
    const auto who = in.config->auth().recognise(request.header("Authorization"));
    if (auto refused = check_token(in.where, who.kind, request)) return {std::move(refused), 0, {}};
    if (who.kind == token_class::source) in.source = &in.config->sources()[who.source];
  }
  if (in.where.target == endpoint::redrive || in.where.target == endpoint::purge)
    return {std::nullopt, dead_letter_body_bytes_max, std::move(in)};
  if (!is_write(in.where.target)) return {std::nullopt, ignored_body_bytes_max, std::move(in)};
  if (auto refused = check_write_header(*services_, *in.source, in.where, request))
    return {std::move(refused), 0, {}};
  const auto bytes_max = write_bytes_max(*in.config, *in.source, in.where, request);
  return {std::nullopt, bytes_max, std::move(in)};
}

std::optional<http::response> door::check_token(const route& where, token_class kind,
                                                const http::request& request) const {
  if (kind == token_class::unknown)
    return unauthorized("unauthorized", "a valid bearer token is needed", request);
  const bool admin_only = where.needs == access_level::admin;
  if (admin_only && kind != token_class::admin)
    return unauthorized("wrong_token_class", "this needs the admin token", request);
  if (is_write(where.target) && kind == token_class::admin)
    return unauthorized("wrong_token_class", "writing needs the token of a source", request);
  if (admin_only)
    services_->metrics
        .get_counter("bubblefish_admin_calls_total", "Requests made with the admin token",
                     {{"endpoint", std::string(where.path)}})
        .add();
  return std::nullopt;
}

http::response door::unauthorized(std::string_view code, std::string_view message,
                                  const http::request& request) const {
  services_->metrics
      .get_counter("bubblefish_auth_failures_total", "Requests without the right token",
                   {{"source", "unknown"}})
      .add();
  services_->log->debug("refused a request from " + request.peer_address + ": " +
                        std::string(code));
  return http::error_response(401, code, message);
}

void door::on_request(http::request request, http::respond_fn respond) {
  const std::any context = std::move(request.context);
  const auto* in = std::any_cast<admitted>(&context);
  if (in == nullptr)
    return respond(http::error_response(500, "internal_error", "the request was not admitted"));
  if (services_->out.on_interaction && in->where.needs != access_level::open)
    respond = with_record(services_, in->where, in->source, request, std::move(respond));
  switch (in->where.target) {
    case endpoint::inbound:
    case endpoint::batch:
    case endpoint::memories:
    case endpoint::logs:
    case endpoint::events:
      return dispatch_write(services_, in->config, *in->source, in->where, std::move(request),
                            std::move(respond));
    case endpoint::query:
      return handle_query(services_, in->config, in->source, in->where.parameter, request,
                          std::move(respond));
    case endpoint::health:
      return respond(health_response(*services_));
    case endpoint::ready:
      return respond(ready_response(*services_));
    case endpoint::status:
      return respond(status_response(*services_, in->config->settings()));
    case endpoint::shutdown:
      return handle_shutdown(*services_, respond);
    case endpoint::reload:
      return handle_reload(services_, std::move(respond));
    case endpoint::metrics:
      return respond(metrics_response(*services_));
    case endpoint::destinations:
      return respond(destinations_response(*services_));
    case endpoint::pause:
      return handle_switch(services_, destination_switch::pause, in->where.parameter,
                           std::move(respond));
    case endpoint::resume:
      return handle_switch(services_, destination_switch::resume, in->where.parameter,
                           std::move(respond));
    case endpoint::consistency:
      return handle_consistency(services_, request, std::move(respond));
    case endpoint::dead_letters:
      return handle_dead_letters(services_, request, std::move(respond));
    case endpoint::dead_letter:
      return handle_dead_letter(services_, in->where.parameter, request, std::move(respond));
    case endpoint::redrive:
      return handle_dead_letter_action(services_, dead_letter_action::redrive, request,
                                       std::move(respond));
    case endpoint::purge:
      return handle_dead_letter_action(services_, dead_letter_action::purge, request,
                                       std::move(respond));
    case endpoint::audit_log:
    case endpoint::audit_stats:
    case endpoint::audit_export:
      return handle_audit(services_, in->config->settings().audit, in->where.target, request,
                          std::move(respond));
  }
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
