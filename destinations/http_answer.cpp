#include "destinations/http_answer.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/json_text.hpp"

namespace nexus::destinations {

namespace {

namespace json = core::json;

outcome_kind kind_of(int status) {
  if (status >= 200 && status < 300) return outcome_kind::delivered;
  if (status >= 300 && status < 400) return outcome_kind::config_fault;
  switch (status) {
    case 401:
    case 402:  // the account, not the entry
    case 403:
    case 404:
    case 405:
    case 407:
    case 410:  // the receiver wants no more: section "410 Gone" of Standard Webhooks
      return outcome_kind::config_fault;
    case 408:
    case 409:  // a request with this key is still being worked on (draft Idempotency-Key header)
    case 425:
      return outcome_kind::transient;
    case 429:
    case 502:
    case 503:
    case 504:
    case 507:  // no space: keeps every entry out
      return outcome_kind::unreachable;
    default:
      break;
  }
  // What Cloudflare says where it cannot reach the server behind it.
  if (status >= 520 && status <= 530) return outcome_kind::unreachable;
  return status >= 400 && status < 500 ? outcome_kind::permanent : outcome_kind::transient;
}

outcome without_answer(const http_reply& reply, const std::string& origin) {
  const std::string reason = origin + ": " + reply.problem;
  switch (reply.how) {
    case http_end::refused:
      return {outcome_kind::config_fault, reason, {}};
    case http_end::bad_url:
      // The template was checked, so it is what the entry made of it.
      return {outcome_kind::permanent, reason, {}};
    default:
      return {outcome_kind::unreachable, reason, {}};
  }
}

/// What PostgREST says of an error.
struct postgrest_error {
  std::string code;  ///< SQLSTATE or PGRSTnnn; empty if there is none
  bool is_about_id = false;
};

postgrest_error parse_error(const std::string& body) {
  postgrest_error found;
  if (!json::validate(body) || json::kind_of(body) != json::kind::object) return found;
  json::members all(body);
  while (const auto* one = all.next()) {
    if (json::kind_of(one->value) != json::kind::string) continue;
    if (one->key == "\"code\"") found.code = json::unquote(one->value);
    if (one->key == "\"details\"") {
      found.is_about_id = json::unquote(one->value).starts_with("Key (payload_id)=");
    }
  }
  // It goes into a reason, where nothing else of the answer may.
  const bool is_code =
      found.code.size() <= 8 && std::all_of(found.code.begin(), found.code.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      });
  if (!is_code) found.code.clear();
  return found;
}

outcome_kind postgrest_kind(int status, const postgrest_error& error) {
  const std::string_view code = error.code;
  if (status == 409) {
    // The row is there, unless another rule of the table refused it.
    const bool other_rule = code == "23503" || (code == "23505" && !error.is_about_id);
    return other_rule ? outcome_kind::permanent : outcome_kind::delivered;
  }
  // Class 42: a table, a column or a right is missing; PGRST2: the same, known without asking.
  if (status >= 400 && status < 500 &&
      (code.starts_with("42") || code.starts_with("PGRST2") || code == "PGRST106")) {
    return outcome_kind::config_fault;
  }
  if (status == 540) return outcome_kind::config_fault;  // Supabase: the project is paused
  if (status == 544) return outcome_kind::unreachable;   // Supabase: its gateway ran out of time
  return kind_of(status);
}

outcome answered(outcome_kind kind, const http_reply& reply, const std::string& origin,
                 const std::string& code) {
  if (kind == outcome_kind::delivered) return {};
  std::string reason = origin + " answered " + std::to_string(reply.status);
  if (!code.empty()) reason += " (" + code + ")";
  if (reply.status >= 300 && reply.status < 400) {
    reason += ", a redirect";
    if (!reply.location_host.empty()) reason += " to " + reply.location_host;
    reason += "; redirects are not followed";
  }
  return {kind, std::move(reason), reply.retry_after};
}

}  // namespace

outcome outcome_of(const http_reply& reply, const std::string& origin) {
  if (reply.how != http_end::answered) return without_answer(reply, origin);
  return answered(kind_of(reply.status), reply, origin, {});
}

outcome postgrest_outcome_of(const http_reply& reply, const std::string& origin) {
  if (reply.how != http_end::answered) return without_answer(reply, origin);
  const bool is_error = reply.status >= 400;
  const postgrest_error error = is_error ? parse_error(reply.body) : postgrest_error{};
  return answered(postgrest_kind(reply.status, error), reply, origin, error.code);
}

core::result<void> to_result(const outcome& from) {
  if (from.kind == outcome_kind::delivered) return {};
  const bool is_config = from.kind == outcome_kind::config_fault;
  return core::error{is_config ? core::errc::bad_config : core::errc::unreachable, from.reason};
}

}  // namespace nexus::destinations
