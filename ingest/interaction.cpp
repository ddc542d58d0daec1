#include "ingest/interaction.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json_text.hpp"
#include "ingest/write_context.hpp"

namespace nexus::ingest {
namespace {

std::string operation_of(const route& where) {
  if (where.needs == access_level::admin) return "admin";
  return where.target == endpoint::query ? "query" : "write";
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ",") + name;
  return out;
}

/// What is known before the answer.
audit::record begin_record(const services& house, const route& where, const active_source* source,
                           const http::request& request) {
  audit::record out;
  out.timestamp = house.options.clock();
  out.request_id = header_or(request, "X-Request-Id", "");
  out.operation = operation_of(where);
  out.endpoint = request.method + " " + std::string(where.path);
  out.ip = request.peer_address;
  out.source = "_admin";
  if (source != nullptr) {
    const auto& own = source->settings;
    out.source = own.name;
    out.actor_type = header_or(request, "X-Actor-Type", own.default_actor_type);
    out.actor_id = header_or(request, "X-Actor-ID", own.default_actor_id);
    out.subject = header_or(request, "X-Subject", own.name_space);
  }
  if (out.operation == "query") out.destination = where.parameter;
  if (out.operation == "write" && source != nullptr)
    out.destination = joined(source->settings.target_destinations);
  return out;
}

/// The first text of an answer under that name. Only envelopes of our own are looked at: they are
/// short, and begin with it.
std::string first_member(const http::response& answer, std::string_view name) {
  const std::string start = "{\"" + std::string(name) + "\":";
  if (!answer.body.starts_with(start)) return {};
  const auto rest = std::string_view(answer.body).substr(start.size());
  const auto length = core::json::value_length(rest);
  if (!length || !rest.starts_with('"')) return {};
  return core::json::unquote(rest.substr(0, *length));
}

void finish_record(audit::record& out, const http::response& answer) {
  out.status_code = answer.status;
  const bool is_denied = answer.status == 401 || answer.status == 403 || answer.status == 429;
  out.policy_decision = is_denied ? "DENIED" : "ALLOWED";
  if (answer.status >= 400) out.reason = answer.error_code;
  if (out.operation == "write" && answer.status < 300)
    out.payload_id = first_member(answer, "payload_id");
}

}  // namespace

void record_interaction(const services& house, const route& where, const active_source* source,
                        const http::request& request, const http::response& answer) {
  auto record = begin_record(house, where, source, request);
  finish_record(record, answer);
  house.out.on_interaction(std::move(record));
}

http::respond_fn with_record(const services_ptr& house, const route& where,
                             const active_source* source, http::request& request,
                             http::respond_fn respond) {
  if (header_or(request, "X-Request-Id", "").empty())
    request.headers.insert(request.headers.begin(), {"X-Request-Id", house->request_ids.next()});
  auto record = std::make_shared<audit::record>(begin_record(*house, where, source, request));
  const auto started = house->options.steady_clock();
  return [house, record, started, respond = std::move(respond)](http::response answer) {
    finish_record(*record, answer);
    record->latency_ms = house->seconds_since(started) * 1000;
    house->out.on_interaction(std::move(*record));
    respond(std::move(answer));
  };
}

}  // namespace nexus::ingest
