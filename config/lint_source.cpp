#include <algorithm>

#include "config/lint_checks.hpp"

namespace nexus::config {
namespace {

void check_idempotency(fields& in, const source_config& settings) {
  if (settings.idempotency_enabled) return;
  in.warn("missing_idempotency", "source.idempotency.enabled",
          "without [source.idempotency] enabled = true, a client that sends again after a lost "
          "answer makes a second entry");
  for (const char* path : {"source.idempotency.dedup_window_seconds",
                           "source.idempotency.strict_idempotency", "source.strict_idempotency"}) {
    if (in.has(path))
      in.warn("unused_idempotency", path,
              std::string(path) + " has no effect while source.idempotency.enabled is not true");
  }
}

void check_rate(fields& in, const lint_subject& all) {
  constexpr std::string_view path = "source.rate_limit.requests_per_minute";
  lint_rate(in, path);
  const value* own = in.find(path);
  const value* global = all.files.daemon
                            ? all.files.daemon->find("daemon.rate_limit.global_requests_per_minute")
                            : nullptr;
  const auto is_number = [](const value* found) {
    return found != nullptr && found->kind == value_kind::integer && found->integer > 0;
  };
  if (!is_number(own) || !is_number(global) || own->integer <= global->integer) return;
  in.warn("rate_above_global", path,
          std::string(path) + " = " + own->text +
              " is never reached: daemon.rate_limit.global_requests_per_minute is " + global->text);
}

/// Whether an entry can have content at all: mapped, or filled in where it is empty.
bool can_have_content(const source_config& settings) {
  const auto of_content = [](const auto& field) { return field.first == "content"; };
  if (std::any_of(settings.mapping.begin(), settings.mapping.end(), of_content)) return true;
  return std::any_of(settings.transform.begin(), settings.transform.end(), of_content);
}

void check_content(fields& in, const source_config& settings) {
  if (!settings.require_content || can_have_content(settings)) return;
  in.warn("content_not_mapped", "source.require_content",
          "source.require_content = true without content in [source.mapping]: every entry of "
          "POST /inbound would be refused");
}

}  // namespace

void lint_source(const lint_subject& all, const value& document, const source_config& settings,
                 std::vector<finding>& findings) {
  fields in(document, findings);
  check_idempotency(in, settings);
  check_rate(in, all);
  check_content(in, settings);
}

}  // namespace nexus::config
