// What docs/configuration.md must say are the defaults: read from the program's own structs where a
// default is a value, and in words where it depends on something else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "tests/config/home.hpp"

namespace nexus::test {

inline std::string shown(std::int64_t value) {
  return std::to_string(value);
}
inline std::string shown(bool value) {
  return value ? "true" : "false";
}
inline std::string shown(const std::string& value) {
  return '"' + value + '"';
}
template <class Rep, class Period>
std::string shown(std::chrono::duration<Rep, Period> value) {
  return std::to_string(value.count());
}
inline std::string shown(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) out += (out.size() == 1 ? "" : ", ") + shown(value);
  return out + "]";
}

using default_table = std::map<std::string, std::string>;

inline void add_daemon_defaults(const config::config& c, default_table& to) {
  to.insert({{"daemon.port", shown(std::int64_t{c.port})},
             {"daemon.bind", shown(c.bind)},
             {"daemon.admin_token", "required"},
             {"daemon.log_level", shown(c.log_level)},
             {"daemon.log_format", shown(c.log_format)},
             {"daemon.mode", shown(c.mode)},
             {"daemon.queue_size", shown(c.queue_size)},
             {"daemon.max_pending_entries", shown(c.pending_entries_max)},
             {"daemon.max_pending_mb", shown(c.pending_mb_max)},
             {"daemon.max_idempotency_keys", shown(c.idempotency_keys_max)},
             {"daemon.watch_config", shown(c.watch_files)},
             {"daemon.shutdown.drain_timeout_seconds", shown(c.drain_timeout)},
             {"daemon.rate_limit.global_requests_per_minute", shown(c.global_requests_per_minute)},
             {"daemon.trusted_proxies.cidrs", shown(c.trusted_proxy_cidrs)},
             {"daemon.trusted_proxies.forwarded_headers", shown(c.forwarded_headers)},
             {"daemon.cors.allowed_origins", shown(c.cors_origins)},
             {"daemon.mcp.api_key", "none"},
             {"daemon.jwt.enabled", shown(c.jwt.enabled)},
             {"daemon.jwt.jwks_url", "needed with enabled"},
             {"daemon.jwt.claim_to_source", shown(c.jwt.claim_to_source)},
             {"daemon.jwt.audience", "none"},
             {"daemon.retrieval_firewall.tier_order", shown(c.tier_order)},
             {"consistency.enabled", shown(c.consistency.enabled)},
             {"consistency.interval_seconds", shown(c.consistency.interval)},
             {"consistency.sample_size", shown(c.consistency.sample_size)},
             {"security_events.enabled", shown(c.security_events.enabled)},
             {"security_events.log_file", "`logs/security.jsonl` in the home directory"},
             {"security_events.max_file_size_mb", shown(c.security_events.max_file_size_mb)},
             {"security_events.max_files", shown(c.security_events.max_files)}});
}

inline void add_wal_defaults(const config::config& c, default_table& to) {
  const auto& wal = c.wal;
  const auto name = [](config::wal_cipher cipher) {
    return shown(std::string(cipher == config::wal_cipher::aes_256_gcm ? "aes-256-gcm" : "?"));
  };
  to.insert({{"daemon.wal.path", "`wal` in the home directory"},
             {"daemon.wal.max_segment_size_mb", shown(wal.max_segment_size_mb)},
             {"daemon.wal.integrity.mode", shown(std::string(wal.mac ? "mac" : "crc32"))},
             {"daemon.wal.integrity.mac_key_file", "none"},
             {"daemon.wal.integrity.accept_unsigned", shown(wal.accept_unsigned)},
             {"daemon.wal.encryption.enabled", shown(wal.encryption.enabled)},
             {"daemon.wal.encryption.key_file", "none"},
             {"daemon.wal.encryption.previous_key_files", "[]"},
             {"daemon.wal.encryption.cipher", name(wal.encryption.cipher)},
             {"daemon.wal.retain_delivered_hours", shown(wal.retain_delivered_hours)},
             {"daemon.wal.min_free_mb", shown(wal.min_free_mb)},
             {"daemon.wal.watchdog.interval_seconds", shown(c.watchdog_interval)},
             {"daemon.wal.watchdog.min_disk_bytes", shown(c.watchdog_disk_bytes_min)}});
}

inline void add_listener_defaults(const config::config& c, default_table& to) {
  const std::map<config::tls_version, std::string> versions{{config::tls_version::v1_2, "1.2"},
                                                            {config::tls_version::v1_3, "1.3"}};
  const bool no_clients = c.tls.clients == config::client_auth::none;
  const auto& limits = c.limits;
  to.insert({{"daemon.tls.enabled", shown(c.tls.enabled)},
             {"daemon.tls.cert_file", "none"},
             {"daemon.tls.key_file", "none"},
             {"daemon.tls.client_ca_file", "none"},
             {"daemon.tls.min_version", shown(versions.at(c.tls.min_version))},
             {"daemon.tls.max_version", shown(versions.at(c.tls.max_version))},
             {"daemon.tls.client_auth", no_clients ? "\"no_client_cert\"" : "?"}});
  const std::map<std::string, std::string> of_limits{
      {"max_connections", shown(limits.max_connections)},
      {"max_connections_per_address", shown(limits.max_connections_per_address)},
      {"max_header_bytes", shown(limits.max_header_bytes)},
      {"max_headers", shown(limits.max_headers)},
      {"max_target_bytes", shown(limits.max_target_bytes)},
      {"header_timeout_seconds", shown(limits.header_timeout)},
      {"body_timeout_seconds", shown(limits.body_timeout)},
      {"write_timeout_seconds", shown(limits.write_timeout)},
      {"idle_timeout_seconds", shown(limits.idle_timeout)},
      {"min_body_bytes_per_second", shown(limits.min_body_bytes_per_second)},
      {"max_in_flight_mb", shown(limits.max_in_flight_mb)},
      {"max_batch_bytes", shown(limits.max_batch_bytes)},
      {"max_batch_entries", shown(limits.max_batch_entries)}};
  for (const auto& [name, value] : of_limits) to.emplace("daemon.limits." + name, value);
}

/// What follows a write.
inline void add_other_defaults(const config::config& c, default_table& to) {
  const config::event_sink_config sink;
  const bool openai = c.embedding.provider == config::embedding_provider::openai;
  std::string backoff;
  for (const auto& wait : c.events.backoff) backoff += (backoff.empty() ? "" : ", ") + shown(wait);
  to.insert({{"daemon.events.enabled", shown(c.events.enabled)},
             {"daemon.events.max_inflight", shown(c.events.max_inflight)},
             {"daemon.events.retry_backoff_seconds", "[" + backoff + "]"},
             {"daemon.events.sinks", "[]"},
             {"daemon.events.sinks.name", "required"},
             {"daemon.events.sinks.url", "required"},
             {"daemon.events.sinks.timeout_seconds", shown(sink.timeout)},
             {"daemon.events.sinks.max_retries", shown(sink.max_retries)},
             {"daemon.events.sinks.content", sink.full ? "\"full\"" : "\"none\""},
             {"daemon.audit.enabled", shown(c.audit.enabled)},
             {"daemon.audit.log_file", "`logs/interactions.jsonl` in the home directory"},
             {"daemon.audit.max_file_size_mb", shown(c.audit.max_file_size_mb)},
             {"daemon.audit.admin_rate_limit_per_minute", shown(c.audit.admin_requests_per_minute)},
             {"daemon.audit.dual_write", shown(c.audit.dual_write)},
             {"daemon.audit.integrity.mode", shown(std::string(c.audit.mac ? "mac" : "crc32"))},
             {"daemon.audit.integrity.mac_key_file", "none"},
             {"daemon.audit.encryption.enabled", shown(c.audit.encrypts)},
             {"daemon.audit.encryption.key_file", "none"},
             {"daemon.embedding.enabled", shown(c.embedding.enabled)},
             {"daemon.embedding.provider", openai ? "\"openai\"" : "?"},
             {"daemon.embedding.url", shown(c.embedding.url)},
             {"daemon.embedding.api_key", "none"},
             {"daemon.embedding.model", shown(c.embedding.model)},
             {"daemon.embedding.dimensions", shown(c.embedding.dimensions)},
             {"daemon.embedding.timeout_seconds", shown(c.embedding.timeout)}});
}

inline void add_source_defaults(const config::source_config& s, default_table& to) {
  const std::string tier = "source.policy.retrieval_firewall.default_classification_tier";
  to.insert({{"source.name", "required"},
             {"source.api_key", "required"},
             {"source.api_keys", "[]"},
             {"source.namespace", "the name"},
             {"source.can_read", shown(s.can_read)},
             {"source.can_write", shown(s.can_write)},
             {"source.target_destination", "the first destination"},
             {"source.target_destinations", "[]"},
             {"source.ack", s.ack == config::ack_level::durable ? "\"durable\"" : "?"},
             {"source.ack_timeout_ms", shown(s.ack_timeout)},
             {"source.default_actor_type", shown(s.default_actor_type)},
             {"source.default_actor_id", shown(s.default_actor_id)},
             {"source.default_profile", shown(s.default_profile)},
             {"source.rate_limit.requests_per_minute", "the global limit"},
             {"source.payload_limits.max_bytes", shown(s.payload_bytes_max)},
             {"source.mapping.*", "none"},
             {"source.transform.*", "none"},
             {"source.idempotency.enabled", shown(s.idempotency_enabled)},
             {"source.idempotency.dedup_window_seconds", shown(s.dedup_window)},
             {"source.idempotency.strict_idempotency", shown(s.strict_idempotency)},
             {"source.strict_idempotency", shown(s.strict_idempotency)},
             {"source.require_content", shown(s.require_content)},
             {"source.policy.allowed_destinations", shown(s.policy.allowed_destinations)},
             {"source.policy.allowed_operations", shown(s.policy.allowed_operations)},
             {"source.policy.allowed_retrieval_modes", shown(s.policy.allowed_retrieval_modes)},
             {"source.policy.allowed_profiles", shown(s.policy.allowed_profiles)},
             {tier, shown(s.default_classification_tier)},
             {"source.retrieval_firewall.default_classification_tier", "see above"}});
}

inline void add_destination_defaults(const config::destination_config& d, default_table& to) {
  const bool unordered = d.ordering == config::delivery_order::none;
  to.insert({{"destination.name", "required"},
             {"destination.type", "required"},
             {"destination.workers", shown(d.workers)},
             {"destination.batch_size", shown(d.batch_size)},
             {"destination.batch_bytes", shown(d.batch_bytes)},
             {"destination.linger_ms", shown(d.linger)},
             {"destination.timeout_ms", shown(d.timeout)},
             {"destination.ordering", unordered ? "\"none\"" : "?"},
             {"destination.required", shown(d.required)},
             {"destination.max_attempts", shown(d.max_attempts)},
             {"destination.initial_backoff_ms", shown(d.initial_backoff)},
             {"destination.max_backoff_ms", shown(d.max_backoff)},
             {"destination.breaker.failure_threshold", shown(d.breaker.failure_threshold)},
             {"destination.breaker.open_ms", shown(d.breaker.open)},
             {"destination.breaker.max_open_ms", shown(d.breaker.open_max)},
             {"destination.breaker.config_fault_ms", shown(d.breaker.config_fault)},
             {"destination.db_path", "`memories.db` in the home directory"},
             {"destination.dsn", "none"},
             {"destination.url", "none"},
             {"destination.api_key", "none"}});
}

/// By key. Read from what the loader makes of files that say nothing.
inline default_table documented_defaults() {
  home files;
  files.source("");
  files.destination("[destination]\nname = \"d\"\ntype = \"sqlite\"\n");
  const config::config settings = files.settings();
  default_table out;
  add_daemon_defaults(settings, out);
  add_wal_defaults(settings, out);
  add_listener_defaults(settings, out);
  add_other_defaults(settings, out);
  add_source_defaults(settings.sources.front(), out);
  add_destination_defaults(settings.destinations.front(), out);
  return out;
}

}  // namespace nexus::test
