#include "cli/wire.hpp"

#include <algorithm>
#include <utility>

#include "cli/file_limit.hpp"

namespace nexus::cli {
namespace {

actors::ordering to_ordering(config::delivery_order from) {
  switch (from) {
    case config::delivery_order::source:
      return actors::ordering::source;
    case config::delivery_order::subject:
      return actors::ordering::subject;
    case config::delivery_order::none:
      break;
  }
  return actors::ordering::none;
}

actors::destination_options destination_options(const config::config& settings,
                                                const config::destination_config& from,
                                                const destinations::registry& types) {
  actors::destination_options to;
  to.settings = to_settings(from);
  const auto* type = types.find(from.type);
  const std::size_t workers_default = type != nullptr ? type->workers_default : 1;
  to.workers = from.workers > 0 ? static_cast<std::size_t>(from.workers) : workers_default;
  to.batch_entries_max = static_cast<std::size_t>(from.batch_size);
  to.batch_bytes_max = static_cast<std::size_t>(from.batch_bytes);
  to.linger = from.linger;
  to.window_entries_max = static_cast<std::size_t>(settings.queue_size);
  to.keep = to_ordering(from.ordering);
  to.retry.max_attempts = static_cast<std::uint32_t>(from.max_attempts);
  to.retry.initial_backoff = from.initial_backoff;
  to.retry.max_backoff = from.max_backoff;
  to.breaker.failure_threshold = static_cast<std::uint32_t>(from.breaker.failure_threshold);
  to.breaker.open = from.breaker.open;
  to.breaker.open_max = from.breaker.open_max;
  to.breaker.config_fault = from.breaker.config_fault;
  to.required = from.required;
  to.fault = from.fault;
  return to;
}

/// Descriptors that connections leave to the log, the destinations, and connections that are turned
/// away.
constexpr std::size_t reserved_files = 192;

/// How many connections may be open without taking the last descriptors: a log that cannot open its
/// next segment refuses every write, and anybody can open connections.
std::size_t connections_that_fit(std::size_t wanted) {
  const auto limit = raise_file_limit(wanted + reserved_files);
  if (!limit) return wanted;
  return std::min(wanted, *limit > 2 * reserved_files ? *limit - reserved_files : *limit / 4);
}

/// The part of `count` that `has` is of `wanted`; one at least.
std::size_t share_of(std::size_t count, std::size_t has, std::size_t wanted) {
  return has >= wanted ? count : std::max<std::size_t>(count * has / wanted, 1);
}

http::tls_client_auth to_client_auth(config::client_auth from) {
  switch (from) {
    case config::client_auth::if_given:
      return http::tls_client_auth::if_given;
    case config::client_auth::required:
      return http::tls_client_auth::required;
    case config::client_auth::none:
      break;
  }
  return http::tls_client_auth::none;
}

int to_version(config::tls_version from) {
  switch (from) {
    case config::tls_version::v1_0:
      return 0x0301;
    case config::tls_version::v1_1:
      return 0x0302;
    case config::tls_version::v1_2:
      return 0x0303;
    case config::tls_version::v1_3:
      break;
  }
  return 0x0304;
}

std::string to_string(actors::destination_status::phase state) {
  using phase = actors::destination_status::phase;
  switch (state) {
    case phase::running:
      return "running";
    case phase::waiting:
      return "waiting";
    case phase::misconfigured:
      return "misconfigured";
    case phase::paused:
      return "paused";
  }
  return "unknown";
}

std::string to_string(actors::destination_status::circuit breaker) {
  using circuit = actors::destination_status::circuit;
  switch (breaker) {
    case circuit::closed:
      return "closed";
    case circuit::open:
      return "open";
    case circuit::half_open:
      return "half_open";
  }
  return "unknown";
}

ingest::destination_state to_state(const actors::destination_status& from) {
  using phase = actors::destination_status::phase;
  ingest::destination_state to;
  to.name = from.name;
  to.type = from.type;
  to.healthy = from.state == phase::running || from.state == phase::paused;
  to.state = to_string(from.state);
  to.breaker = to_string(from.breaker);
  to.last_error = from.last_error;
  to.queued = from.queued;
  to.pending = from.pending;
  to.oldest_pending_seconds = from.oldest_pending_seconds;
  to.attempts = from.attempts;
  to.delivered = from.delivered;
  to.failed = from.failed;
  to.restarts = from.restarts;
  return to;
}

}  // namespace

destinations::settings to_settings(const config::destination_config& from) {
  return {from.name, from.type, from.values, from.timeout,
          static_cast<std::size_t>(from.batch_size)};
}

config::type_table type_table(const destinations::registry& types) {
  config::type_table table;
  for (const auto& name : types.types()) {
    table[name] = types.find(name)->schema;
  }
  return table;
}

core::log_level log_level(const config::config& settings) {
  if (settings.log_level == "debug") return core::log_level::debug;
  if (settings.log_level == "warn") return core::log_level::warn;
  if (settings.log_level == "error") return core::log_level::error;
  return core::log_level::info;
}

core::logger_ptr make_logger(const config::config& settings) {
  const bool json = settings.log_format == "json";
  return core::make_stderr_logger(log_level(settings),
                                  json ? core::log_format::json : core::log_format::text);
}

wal::options wal_options(const config::wal_config& from, const core::logger_ptr& log) {
  wal::options to;
  to.directory = from.path;
  to.max_segment_size_mb = from.max_segment_size_mb;
  to.integrity = from.mac ? wal::integrity_mode::mac : wal::integrity_mode::crc32;
  to.mac_key = from.mac_key.reveal();
  to.accept_unsigned = from.accept_unsigned;
  to.encryption.enabled = from.encryption.enabled;
  to.encryption.with = from.encryption.cipher == config::wal_cipher::aes_256_gcm
                           ? wal::cipher::aes_256_gcm
                           : wal::cipher::xchacha20_poly1305;
  for (const auto& key : from.encryption.keys) to.encryption.keys.emplace_back(key.reveal());
  to.retain_delivered_hours = from.retain_delivered_hours;
  to.min_free_bytes = static_cast<std::uint64_t>(from.min_free_mb) * 1024 * 1024;
  to.log = log;
  to.on_security_event = [log](const wal::security_event& event) {
    const bool whole = event.line_number == 0;
    log->error(event.type + ": " + event.segment_file +
               (whole ? " has lost its seal, or its seal does not fit"
                      : " line " + std::to_string(event.line_number)) +
               ": changed by someone without the key");
  };
  to.on_progress = [log](std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t mib = 1024 * 1024;
    log->info("reading the log: " + std::to_string(done / mib) + " of " +
              std::to_string(total / mib) + " MiB");
  };
  return to;
}

actors::pipeline_options pipeline_options(const config::config& settings,
                                          const destinations::registry& types,
                                          const core::logger_ptr& log) {
  actors::pipeline_options to;
  to.wal = wal_options(settings.wal, log);
  to.pending_entries_max = static_cast<std::uint64_t>(settings.pending_entries_max);
  to.pending_bytes_max = static_cast<std::uint64_t>(settings.pending_mb_max) * 1024 * 1024;
  for (const auto& from : settings.destinations) {
    to.destinations.push_back(destination_options(settings, from, types));
  }
  return to;
}

http::tls_options tls_options(const config::tls_config& from) {
  http::tls_options to;
  to.cert_file = from.cert_file;
  to.key_file = from.key_file;
  to.client_ca_file = from.client_ca_file;
  to.clients = to_client_auth(from.clients);
  to.min_version = to_version(from.min_version);
  to.max_version = to_version(from.max_version);
  return to;
}

http::server_options server_options(const config::config& settings) {
  const auto& from = settings.limits;
  http::server_options to;
  to.bind = settings.bind;
  to.port = settings.port;
  if (settings.tls.enabled) to.tls = tls_options(settings.tls);
  const auto wanted = static_cast<std::size_t>(from.max_connections);
  to.connections_max = connections_that_fit(wanted);
  // Where there are fewer than wanted, one client still must not have them all.
  to.connections_per_address_max = share_of(
      static_cast<std::size_t>(from.max_connections_per_address), to.connections_max, wanted);
  to.in_flight_bytes_max = static_cast<std::size_t>(from.max_in_flight_mb) * 1024 * 1024;
  to.header_bytes_max = static_cast<std::size_t>(from.max_header_bytes);
  to.headers_max = static_cast<std::size_t>(from.max_headers);
  to.target_bytes_max = static_cast<std::size_t>(from.max_target_bytes);
  to.header_timeout = from.header_timeout;
  to.body_timeout = from.body_timeout;
  to.write_timeout = from.write_timeout;
  to.idle_timeout = from.idle_timeout;
  to.body_bytes_per_second_min = static_cast<std::uint64_t>(from.min_body_bytes_per_second);
  return to;
}

outgoing::event_options event_options(const config::events_config& from) {
  outgoing::event_options to;
  to.events_max = static_cast<std::size_t>(from.max_inflight);
  to.backoff.assign(from.backoff.begin(), from.backoff.end());
  for (const auto& sink : from.sinks)
    to.sinks.push_back({sink.name, std::string(sink.url.reveal()), sink.timeout,
                        static_cast<std::size_t>(sink.max_retries), sink.full});
  return to;
}

audit::options audit_options(const config::audit_config& from) {
  audit::options to;
  to.file = from.log_file;
  to.dual_write = from.dual_write;
  to.file_bytes_max = static_cast<std::uint64_t>(from.max_file_size_mb) * 1024 * 1024;
  if (from.mac) to.mac_key = from.mac_key.reveal();
  to.key = from.key.reveal();
  to.encrypts = from.encrypts;
  return to;
}

outgoing::embedder_options embedder_options(const config::embedding_config& from) {
  outgoing::embedder_options to;
  to.protocol = from.provider == config::embedding_provider::ollama
                    ? outgoing::embedding_protocol::ollama
                    : outgoing::embedding_protocol::openai;
  to.url = from.url;
  to.api_key = from.api_key.reveal();
  to.model = from.model;
  to.dimensions = static_cast<std::size_t>(from.dimensions);
  to.timeout = from.timeout;
  return to;
}

std::vector<destinations::settings> destination_settings(const config::config& settings) {
  std::vector<destinations::settings> all;
  for (const auto& from : settings.destinations)
    if (from.fault.empty()) all.push_back(to_settings(from));
  return all;
}

wal::dead_letter_filter to_filter(const ingest::dead_letter_choice& from) {
  return {from.payload_ids, from.source, from.destination};
}

ingest::dead_letter to_dead_letter(wal::dead_letter from) {
  return {std::move(from.entry), std::move(from.failed_at), std::move(from.reason)};
}

ingest::pipeline_state to_state(const actors::pipeline_status& status) {
  ingest::pipeline_state to;
  to.wal_healthy = status.wal_trouble.empty();
  to.wal_error = status.wal_trouble;
  to.current_segment = status.current_segment;
  to.pending_entries = status.wal.pending;
  to.pending_bytes = status.wal.pending_bytes;
  to.oldest_pending_seconds = status.wal.oldest_pending_seconds;
  to.crc_failures = status.wal.crc_failures;
  to.integrity_failures = status.wal.integrity_failures;
  to.torn_lines = status.wal.torn_lines;
  to.malformed_lines = status.wal.malformed_lines;
  to.sentinel_failures = status.wal.sentinel_failures;
  to.undecodable_lines = status.wal.undecodable_lines;
  to.quarantined_lines = status.wal.quarantined;
  to.permanent_failures = status.wal.permanent_failures;
  to.dead_letters = status.wal.dead_letters;
  to.draining = status.draining;
  for (const auto& from : status.destinations) {
    to.destinations.push_back(to_state(from));
    to.queue_depth += from.queued;
  }
  for (const auto& waiting : status.unclaimed)
    to.unclaimed.emplace_back(waiting.destination, waiting.entries);
  return to;
}

}  // namespace nexus::cli
