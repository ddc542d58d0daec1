#include "cli/config_changes.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace nexus::cli {
namespace {

// What is equal; secrets are compared, never shown.

template <class T>
bool same(const T& a, const T& b) {
  return a == b;
}

bool same(const config::secret& a, const config::secret& b) {
  return a.reveal() == b.reveal();
}

bool same(const std::vector<config::secret>& a, const std::vector<config::secret>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

bool same(const config::policy_config& a, const config::policy_config& b) {
  return a.allowed_destinations == b.allowed_destinations &&
         a.allowed_operations == b.allowed_operations &&
         a.allowed_retrieval_modes == b.allowed_retrieval_modes &&
         a.allowed_profiles == b.allowed_profiles;
}

bool same(const config::breaker_config& a, const config::breaker_config& b) {
  return a.failure_threshold == b.failure_threshold && a.open == b.open &&
         a.open_max == b.open_max && a.config_fault == b.config_fault;
}

bool same(const config::wal_encryption_config& a, const config::wal_encryption_config& b) {
  return a.enabled == b.enabled && a.cipher == b.cipher && same(a.keys, b.keys);
}

bool same(const config::events_config& a, const config::events_config& b) {
  return a.enabled == b.enabled && a.max_inflight == b.max_inflight && a.backoff == b.backoff &&
         std::equal(a.sinks.begin(), a.sinks.end(), b.sinks.begin(), b.sinks.end(),
                    [](const auto& x, const auto& y) {
                      return x.name == y.name && same(x.url, y.url) && x.timeout == y.timeout &&
                             x.max_retries == y.max_retries && x.full == y.full;
                    });
}

bool same(const config::audit_config& a, const config::audit_config& b) {
  return a.enabled == b.enabled && a.log_file == b.log_file &&
         a.max_file_size_mb == b.max_file_size_mb &&
         a.admin_requests_per_minute == b.admin_requests_per_minute &&
         a.dual_write == b.dual_write && a.mac == b.mac && same(a.mac_key, b.mac_key) &&
         a.encrypts == b.encrypts && same(a.key, b.key);
}

bool same(const config::embedding_config& a, const config::embedding_config& b) {
  return a.enabled == b.enabled && a.provider == b.provider && a.url == b.url &&
         same(a.api_key, b.api_key) && a.model == b.model && a.dimensions == b.dimensions &&
         a.timeout == b.timeout;
}

/// Calls `visit` with each setting that is in effect until the next start: its name, and both
/// values.
template <class Next, class Visit>
void each_fixed(const config::config& now, Next& next, const Visit& visit) {
  visit("daemon.bind", now.bind, next.bind);
  visit("daemon.port", now.port, next.port);
  visit("daemon.log_format", now.log_format, next.log_format);
  visit("daemon.max_idempotency_keys", now.idempotency_keys_max, next.idempotency_keys_max);
  visit("daemon.watch_config", now.watch_files, next.watch_files);
  visit("daemon.tls.enabled", now.tls.enabled, next.tls.enabled);
  visit("daemon.wal.path", now.wal.path, next.wal.path);
  visit("daemon.wal.max_segment_size_mb", now.wal.max_segment_size_mb,
        next.wal.max_segment_size_mb);
  visit("daemon.wal.integrity.mode", now.wal.mac, next.wal.mac);
  visit("daemon.wal.integrity.mac_key_file", now.wal.mac_key, next.wal.mac_key);
  visit("daemon.wal.integrity.accept_unsigned", now.wal.accept_unsigned, next.wal.accept_unsigned);
  visit("daemon.wal.encryption", now.wal.encryption, next.wal.encryption);
  visit("daemon.wal.retain_delivered_hours", now.wal.retain_delivered_hours,
        next.wal.retain_delivered_hours);
  visit("daemon.wal.min_free_mb", now.wal.min_free_mb, next.wal.min_free_mb);
  visit("daemon.wal.watchdog.interval_seconds", now.watchdog_interval, next.watchdog_interval);
  visit("daemon.wal.watchdog.min_disk_bytes", now.watchdog_disk_bytes_min,
        next.watchdog_disk_bytes_min);
  auto& limits = next.limits;
  visit("daemon.limits.max_connections", now.limits.max_connections, limits.max_connections);
  visit("daemon.limits.max_connections_per_address", now.limits.max_connections_per_address,
        limits.max_connections_per_address);
  visit("daemon.limits.max_header_bytes", now.limits.max_header_bytes, limits.max_header_bytes);
  visit("daemon.limits.max_headers", now.limits.max_headers, limits.max_headers);
  visit("daemon.limits.max_target_bytes", now.limits.max_target_bytes, limits.max_target_bytes);
  visit("daemon.limits.header_timeout_seconds", now.limits.header_timeout, limits.header_timeout);
  visit("daemon.limits.body_timeout_seconds", now.limits.body_timeout, limits.body_timeout);
  visit("daemon.limits.write_timeout_seconds", now.limits.write_timeout, limits.write_timeout);
  visit("daemon.limits.idle_timeout_seconds", now.limits.idle_timeout, limits.idle_timeout);
  visit("daemon.limits.min_body_bytes_per_second", now.limits.min_body_bytes_per_second,
        limits.min_body_bytes_per_second);
  visit("daemon.limits.max_in_flight_mb", now.limits.max_in_flight_mb, limits.max_in_flight_mb);
  visit("security_events.enabled", now.security_events.enabled, next.security_events.enabled);
  visit("security_events.log_file", now.security_events.log_file, next.security_events.log_file);
  visit("security_events.max_file_size_mb", now.security_events.max_file_size_mb,
        next.security_events.max_file_size_mb);
  visit("security_events.max_files", now.security_events.max_files, next.security_events.max_files);
  visit("consistency.enabled", now.consistency.enabled, next.consistency.enabled);
  visit("consistency.interval_seconds", now.consistency.interval, next.consistency.interval);
  visit("consistency.sample_size", now.consistency.sample_size, next.consistency.sample_size);
  visit("daemon.events", now.events, next.events);
  visit("daemon.audit", now.audit, next.audit);
  visit("daemon.embedding", now.embedding, next.embedding);
}

/// The same for the settings of `daemon.toml` that change at once.
template <class Visit>
void each_live(const config::config& now, const config::config& next, const Visit& visit) {
  visit("daemon.admin_token", now.admin_token, next.admin_token);
  visit("daemon.log_level", now.log_level, next.log_level);
  visit("daemon.queue_size", now.queue_size, next.queue_size);
  visit("daemon.max_pending_entries", now.pending_entries_max, next.pending_entries_max);
  visit("daemon.max_pending_mb", now.pending_mb_max, next.pending_mb_max);
  visit("daemon.shutdown.drain_timeout_seconds", now.drain_timeout, next.drain_timeout);
  visit("daemon.rate_limit.global_requests_per_minute", now.global_requests_per_minute,
        next.global_requests_per_minute);
  visit("limit of all sources together", now.limit_of_all_sources, next.limit_of_all_sources);
  visit("daemon.jwt.enabled", now.jwt.enabled, next.jwt.enabled);
  visit("daemon.jwt.jwks_url", now.jwt.jwks_url, next.jwt.jwks_url);
  visit("daemon.jwt.claim_to_source", now.jwt.claim_to_source, next.jwt.claim_to_source);
  visit("daemon.jwt.audience", now.jwt.audience, next.jwt.audience);
  visit("retrieval tiers", now.tier_order, next.tier_order);
  visit("daemon.mcp.api_key", now.mcp.api_key, next.mcp.api_key);
  visit("daemon.mcp.enabled", now.mcp.enabled, next.mcp.enabled);
  visit("daemon.cors.allowed_origins", now.cors_origins, next.cors_origins);
  visit("daemon.trusted_proxies.cidrs", now.trusted_proxy_cidrs, next.trusted_proxy_cidrs);
  visit("daemon.trusted_proxies.forwarded_headers", now.forwarded_headers, next.forwarded_headers);
  visit("daemon.limits.max_batch_bytes", now.limits.max_batch_bytes, next.limits.max_batch_bytes);
  visit("daemon.limits.max_batch_entries", now.limits.max_batch_entries,
        next.limits.max_batch_entries);
  if (!now.tls.enabled || !next.tls.enabled) return;
  visit("daemon.tls.cert_file", now.tls.cert_file, next.tls.cert_file);
  visit("daemon.tls.key_file", now.tls.key_file, next.tls.key_file);
  visit("daemon.tls.client_ca_file", now.tls.client_ca_file, next.tls.client_ca_file);
  visit("daemon.tls.client_auth", now.tls.clients, next.tls.clients);
  visit("daemon.tls.min_version", now.tls.min_version, next.tls.min_version);
  visit("daemon.tls.max_version", now.tls.max_version, next.tls.max_version);
}

/// Gathers the names of what is different.
struct name_list {
  std::string names;

  template <class T>
  void operator()(const char* name, const T& a, const T& b) {
    if (!same(a, b)) names += (names.empty() ? "" : ", ") + std::string(name);
  }
};

/// The keys of one source that are different.
std::string changed_keys(const config::source_config& now, const config::source_config& next) {
  name_list visit;
  visit("keys", now.api_keys, next.api_keys);
  visit("namespace", now.name_space, next.name_space);
  visit("can_read", now.can_read, next.can_read);
  visit("can_write", now.can_write, next.can_write);
  visit("destinations", now.target_destinations, next.target_destinations);
  visit("ack", now.ack, next.ack);
  visit("ack_timeout_ms", now.ack_timeout, next.ack_timeout);
  visit("default_actor_type", now.default_actor_type, next.default_actor_type);
  visit("default_actor_id", now.default_actor_id, next.default_actor_id);
  visit("default_profile", now.default_profile, next.default_profile);
  visit("rate_limit", now.requests_per_minute, next.requests_per_minute);
  visit("payload_limits", now.payload_bytes_max, next.payload_bytes_max);
  visit("mapping", now.mapping, next.mapping);
  visit("transform", now.transform, next.transform);
  visit("require_content", now.require_content, next.require_content);
  visit("idempotency", now.idempotency_enabled, next.idempotency_enabled);
  visit("dedup_window_seconds", now.dedup_window, next.dedup_window);
  visit("strict_idempotency", now.strict_idempotency, next.strict_idempotency);
  visit("policy", now.policy, next.policy);
  visit("classification tier", now.default_classification_tier, next.default_classification_tier);
  return visit.names;
}

std::string changed_keys(const config::destination_config& now,
                         const config::destination_config& next) {
  name_list visit;
  visit("type", now.type, next.type);
  visit("keys of the type", now.values, next.values);
  visit("workers", now.workers, next.workers);
  visit("batch_size", now.batch_size, next.batch_size);
  visit("batch_bytes", now.batch_bytes, next.batch_bytes);
  visit("linger_ms", now.linger, next.linger);
  visit("max_attempts", now.max_attempts, next.max_attempts);
  visit("initial_backoff_ms", now.initial_backoff, next.initial_backoff);
  visit("max_backoff_ms", now.max_backoff, next.max_backoff);
  visit("timeout_ms", now.timeout, next.timeout);
  visit("ordering", now.ordering, next.ordering);
  visit("breaker", now.breaker, next.breaker);
  visit("required", now.required, next.required);
  visit("errors", now.fault, next.fault);
  return visit.names;
}

template <class Named>
const Named* find(const std::vector<Named>& in, const std::string& name) {
  const auto found =
      std::find_if(in.begin(), in.end(), [&](const auto& one) { return one.name == name; });
  return found == in.end() ? nullptr : &*found;
}

/// Sources or destinations: `what` is what one of them is called.
template <class Named>
void compare_named(const char* what, const std::vector<Named>& now, const std::vector<Named>& next,
                   std::vector<std::string>& changes) {
  const auto say = [&](const std::string& name, const std::string& how) {
    changes.push_back(std::string(what) + " " + name + ": " + how);
  };
  for (const auto& one : next) {
    const auto* before = find(now, one.name);
    if (before == nullptr) {
      say(one.name, "added");
    } else if (const auto keys = changed_keys(*before, one); !keys.empty()) {
      say(one.name, "changed (" + keys + ")");
    }
  }
  for (const auto& one : now)
    if (find(next, one.name) == nullptr) say(one.name, "removed");
}

}  // namespace

ingest::reload_report compare(const config::config& now, const config::config& next) {
  ingest::reload_report report;
  each_live(now, next, [&](const char* name, const auto& a, const auto& b) {
    if (!same(a, b)) report.changes.push_back(std::string(name) + ": changed");
  });
  compare_named("source", now.sources, next.sources, report.changes);
  compare_named("destination", now.destinations, next.destinations, report.changes);
  each_fixed(now, next, [&](const char* name, const auto& a, const auto& b) {
    if (!same(a, b)) report.notes.push_back(std::string(name) + ": changes with the next start");
  });
  return report;
}

config::config take_over(const config::config& now, config::config next) {
  if (now.tls.enabled != next.tls.enabled) next.tls = now.tls;
  each_fixed(now, next, [](const char*, const auto& a, auto& b) { b = a; });
  return next;
}

core::result<void> check_destinations(const config::config& now, const config::loaded& next) {
  const auto& all = next.settings.destinations;
  const bool well = std::all_of(all.begin(), all.end(), [&](const auto& one) {
    const auto* before = find(now.destinations, one.name);
    return one.fault.empty() || (before != nullptr && before->fault == one.fault);
  });
  if (well) return {};
  std::string text;
  for (const auto& one : next.findings) text += (text.empty() ? "" : "\n") + to_string(one);
  return core::error{core::errc::bad_config, std::move(text)};
}

}  // namespace nexus::cli
