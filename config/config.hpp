// The whole configuration as plain, checked values: every default filled in, every secret resolved,
// every path absolute. Keys and defaults are those of section 4 of the v0.1.2 behaviour;
// docs/configuration.md lists them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/secret.hpp"
#include "core/setting.hpp"

namespace nexus::config {

/// Where a value stands in a file, for messages. Lines and columns count from 1.
struct location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class wal_cipher { aes_256_gcm, xchacha20_poly1305 };

/// `[daemon.wal.encryption]`.
struct wal_encryption_config {
  bool enabled = false;
  wal_cipher cipher = wal_cipher::aes_256_gcm;
  /// 32 bytes each: `key_file`, if there is one, then `previous_key_files`. Also where `enabled` is
  /// false: for reading.
  std::vector<secret> keys;
};

/// `[daemon.wal]` and its tables.
struct wal_config {
  std::string path;
  std::int64_t max_segment_size_mb = 50;
  bool mac = false;  ///< integrity.mode = "mac"
  secret mac_key;
  bool accept_unsigned = true;  ///< integrity.accept_unsigned; false in mode "safe"
  wal_encryption_config encryption;
  std::int64_t retain_delivered_hours = 168;  ///< 0: no time at all; -1: for ever
  std::int64_t min_free_mb = 16;
};

enum class tls_version { v1_0, v1_1, v1_2, v1_3 };

/// Whether a client must show a certificate: `client_auth` of `[daemon.tls]`.
enum class client_auth { none, if_given, required };

/// `[daemon.tls]`. The files are PEM; certificates may be a chain.
struct tls_config {
  bool enabled = false;
  std::string cert_file;
  std::string key_file;
  std::string client_ca_file;  ///< whom client certificates must come from; empty: from nobody
  tls_version min_version = tls_version::v1_2;
  tls_version max_version = tls_version::v1_3;
  client_auth clients = client_auth::none;  ///< `client_auth`

  bool operator==(const tls_config&) const = default;
};

/// `[daemon.limits]`: what one client, and all of them together, may take. A listener's limits hold
/// until the next start, those of batches change with a reload.
struct limits_config {
  std::int64_t max_connections = 4000;
  std::int64_t max_connections_per_address = 2000;
  std::int64_t max_header_bytes = 16 * 1024;
  std::int64_t max_headers = 100;
  std::int64_t max_target_bytes = 8 * 1024;
  std::chrono::seconds header_timeout{10};  ///< `header_timeout_seconds`, like the next three
  std::chrono::seconds body_timeout{10};    ///< plus the time that the body takes at the rate below
  std::chrono::seconds write_timeout{60};
  std::chrono::seconds idle_timeout{120};
  std::int64_t min_body_bytes_per_second = 64 * 1024;
  std::int64_t max_in_flight_mb = 256;  ///< bodies being read or not yet answered, all together
  std::int64_t max_batch_bytes = 32 * 1024 * 1024;  ///< of a body with many entries, decompressed
  std::int64_t max_batch_entries = 10'000;
};

/// `[daemon.mcp]`. There is no MCP server in this version; its key is known, so that it is told
/// apart from an unknown one. The rest is shown to operators, like the next two structs, and
/// nothing acts upon it.
struct mcp_config {
  bool enabled = false;
  std::int64_t port = 7474;
  std::string bind = "127.0.0.1";
  std::string source_name;
  secret api_key;
};

/// `[daemon.jwt]`: tokens that somebody else has signed stand for sources.
struct jwt_config {
  bool enabled = false;
  std::string jwks_url;                 ///< where the keys are; http or https
  std::string claim_to_source = "sub";  ///< this claim is the source's name
  std::string audience;                 ///< empty: any
};

/// `[daemon.web]`.
struct web_config {
  std::int64_t port = 0;
  bool require_auth = false;
};

/// `[retrieval]`.
struct retrieval_config {
  bool time_decay = false;
  double half_life_days = 7;
  std::string default_profile = "balanced";
};

/// The profiles that a query can ask for.
inline const std::vector<std::string> query_profiles = {"fast", "balanced", "deep"};

/// `[security_events]`.
struct security_events_config {
  bool enabled = false;
  std::string log_file;  ///< absolute; default: HOME/logs/security.jsonl
  std::int64_t max_file_size_mb = 100;
  std::int64_t max_files = 5;  ///< rotated ones that are kept
};

/// `[source.policy]`; an empty list allows everything.
struct policy_config {
  std::vector<std::string> allowed_destinations;
  std::vector<std::string> allowed_operations;
  std::vector<std::string> allowed_retrieval_modes;
  std::vector<std::string> allowed_profiles;
  std::int64_t max_results = 0;  ///< shown to operators; like the next one without effect
  std::int64_t max_response_bytes = 0;
};

/// When a write is answered with 200: once it is on disk, or once its destinations have it as well.
enum class ack_level { durable, delivered };

/// One file of `sources/`.
struct source_config {
  location where;
  std::string name;
  /// `api_key` and `api_keys`, at least one: any of them opens the door, so that keys can be
  /// changed one client at a time.
  std::vector<secret> api_keys;
  std::string name_space;  ///< `namespace`; default: the name
  bool can_read = false;
  bool can_write = false;
  /// `target_destinations` or `target_destination`; never empty: without either the first
  /// destination. An entry goes to each of them.
  std::vector<std::string> target_destinations;
  ack_level ack = ack_level::durable;
  std::chrono::milliseconds ack_timeout{10'000};  ///< `ack_timeout_ms`, for ack_level::delivered
  std::string default_actor_type = "user";
  std::string default_actor_id;
  std::string default_profile = "balanced";
  std::int64_t requests_per_minute = 2000;
  std::int64_t payload_bytes_max = 10'485'760;
  /// output field -> path, in file order
  std::vector<std::pair<std::string, std::string>> mapping;
  /// output field -> transforms in the order in which they apply
  std::vector<std::pair<std::string, std::vector<std::string>>> transform;
  bool require_content = false;  ///< an entry without content is refused
  bool idempotency_enabled = false;
  /// How long a key stands for the entry that it came with; 0: as long as the log has it.
  std::chrono::seconds dedup_window{300};
  /// A key that comes again with another body is refused.
  bool strict_idempotency = false;
  policy_config policy;
  std::string default_classification_tier = "public";
};

/// What keeps its order on the way to a destination.
enum class delivery_order { none, source, subject };

/// `[destination.breaker]`.
struct breaker_config {
  std::int64_t failure_threshold = 1;
  std::chrono::milliseconds open{1'000};           ///< `open_ms`
  std::chrono::milliseconds open_max{10'000};      ///< `max_open_ms`
  std::chrono::milliseconds config_fault{30'000};  ///< `config_fault_ms`
};

/// One file of `destinations/`.
struct destination_config {
  location where;
  std::string name;
  std::string type;
  /// The type's own keys (destinations::type_info::schema), secrets resolved, paths made absolute.
  core::setting_values values;
  std::int64_t workers = 0;  ///< 0: the type's default
  std::int64_t batch_size = 256;
  std::int64_t batch_bytes = 4 * 1024 * 1024;
  std::chrono::milliseconds linger{0};
  std::int64_t max_attempts = 5;
  std::chrono::milliseconds initial_backoff{1000};
  std::chrono::milliseconds max_backoff{60'000};
  std::chrono::milliseconds timeout{30'000};
  delivery_order ordering = delivery_order::none;
  breaker_config breaker;
  /// The program does not start without it; else it starts, and the entries of this destination
  /// wait.
  bool required = false;
  /// What is wrong with its table, the findings of severity error, one a line; empty: nothing. Such
  /// a destination is not made, but it is there: its entries wait.
  std::string fault;
};

/// One of `[[daemon.events.sinks]]`.
struct event_sink_config {
  std::string name;
  secret url;  ///< may hold a password or a token
  std::chrono::seconds timeout{5};
  std::int64_t max_retries = 3;
  bool full = false;  ///< content = "full"
};

/// `[daemon.events]`: who is told of entries that have become durable.
struct events_config {
  bool enabled = false;
  std::int64_t max_inflight = 1000;  ///< events held for one sink
  /// `retry_backoff_seconds`: the wait before each retry; the last one for all that follow.
  std::vector<std::chrono::seconds> backoff{std::chrono::seconds(1), std::chrono::seconds(5),
                                            std::chrono::seconds(30), std::chrono::seconds(300)};
  std::vector<event_sink_config> sinks;
};

/// `[daemon.audit]`: the interaction log.
struct audit_config {
  bool enabled = false;
  std::string log_file;  ///< absolute
  std::int64_t max_file_size_mb = 100;
  std::int64_t admin_requests_per_minute = 60;  ///< `admin_rate_limit_per_minute`
  bool dual_write = true;                       ///< a second file beside it
  bool mac = false;                             ///< integrity.mode = "mac"
  secret mac_key;
  bool encrypts = false;  ///< encryption.enabled
  secret key;             ///< 32 bytes; also where `encrypts` is false: for reading
};

/// Whose protocol an embedding provider speaks.
enum class embedding_provider { openai, ollama };

/// `[daemon.embedding]`.
struct embedding_config {
  bool enabled = false;
  embedding_provider provider = embedding_provider::openai;
  std::string url;  ///< without a / at its end
  secret api_key;
  std::string model;
  std::int64_t dimensions = 1536;
  std::chrono::seconds timeout{10};
};

/// `[consistency]`.
struct consistency_config {
  bool enabled = false;
  std::chrono::seconds interval{300};  ///< `interval_seconds`
  std::int64_t sample_size = 100;
};

/// `daemon.toml`, with the sources and destinations beside it.
struct config {
  std::string home;
  std::string bind = "127.0.0.1";
  std::uint16_t port = 8080;
  secret admin_token;
  std::string log_level = "info";    ///< debug, info, warn, error
  std::string log_format = "text";   ///< text, json
  std::string mode;                  ///< "", simple, safe, balanced, fast
  std::int64_t queue_size = 10'000;  ///< entries held in memory for each destination
  std::int64_t pending_entries_max =
      10'000'000;  ///< `max_pending_entries`: above it, writes are refused with 429
  std::int64_t pending_mb_max = 16'384;  ///< `max_pending_mb`: likewise, MiB of lines in the log
  std::int64_t idempotency_keys_max = 1'000'000;  ///< `max_idempotency_keys`: held in memory
  bool watch_files = true;  ///< `watch_config`: a change of the files is a request to reload
  std::chrono::seconds drain_timeout{30};
  /// `rate_limit.global_requests_per_minute`: the limit of sources that set none.
  std::int64_t global_requests_per_minute = 2000;
  /// The same, where the file has it: then it is also the limit of all sources together.
  std::optional<std::int64_t> limit_of_all_sources;
  wal_config wal;
  std::vector<std::string> tier_order{"public", "internal", "confidential", "restricted"};
  std::chrono::seconds watchdog_interval{30};
  std::int64_t watchdog_disk_bytes_min = 100 * 1024 * 1024;
  tls_config tls;
  limits_config limits;
  mcp_config mcp;
  jwt_config jwt;
  web_config web;
  retrieval_config retrieval;
  security_events_config security_events;
  std::vector<std::string> cors_origins;  ///< `[daemon.cors] allowed_origins`; "*": every one
  std::vector<std::string> trusted_proxy_cidrs;
  std::vector<std::string> forwarded_headers;
  consistency_config consistency;
  events_config events;
  audit_config audit;
  embedding_config embedding;
  std::vector<source_config> sources;
  std::vector<destination_config> destinations;
};

}  // namespace nexus::config
