#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "config/build.hpp"
#include "config/encryption.hpp"
#include "config/fields.hpp"
#include "config/mode.hpp"
#include "config/reference.hpp"
#include "config/schema.hpp"
#include "config/side_effects.hpp"
#include "config/tls.hpp"

namespace nexus::config {
namespace {

constexpr std::int64_t entries_most = 1'000'000'000;
constexpr std::int64_t seconds_most = 86'400;
constexpr std::int64_t hours_most = 1'000'000;
constexpr std::int64_t mib_most = std::int64_t{1} << 40;
constexpr std::int64_t rate_most = 1'000'000'000;
constexpr std::int64_t samples_most = 10'000;  // whole entries, all in memory at once

mode_preset read_mode(fields& in, config& out) {
  out.mode = in.word("daemon.mode");
  if (const auto preset = find_mode(out.mode)) return *preset;
  in.fail("unknown_mode", "daemon.mode",
          "daemon.mode is \"" + out.mode + "\"; it can be simple, safe, balanced or fast");
  return {};
}

void read_listener(fields& in, config& out) {
  out.bind = in.text("daemon.bind", out.bind);
  if (const value* port = in.find("daemon.port"); port && port->kind == value_kind::integer) {
    if (port->integer < 0 || port->integer > 65'535) {
      in.fail("out_of_range", "daemon.port",
              "daemon.port is " + port->text + "; it can be 1 to 65535, or 0 for any free port");
    } else {
      out.port = static_cast<std::uint16_t>(port->integer);
    }
  }
  out.admin_token = in.required_key("daemon.admin_token", "empty_key");
}

/// One of a few words; anything else works like the first of them, as in the reference, but not
/// silently.
std::string one_of(fields& in, std::string_view path, const std::vector<std::string>& words) {
  const std::string word = in.word(path);
  if (word.empty()) return words.front();
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  in.warn("unknown_value", path,
          std::string(path) + " is \"" + word + "\"; known values: " + listed(words) + "; using " +
              words.front());
  return words.front();
}

void read_limits(fields& in, config& out, const mode_preset& preset) {
  out.log_level = one_of(in, "daemon.log_level", {"info", "debug", "warn", "error"});
  out.log_format = one_of(in, "daemon.log_format", {"text", "json"});
  out.queue_size = in.positive("daemon.queue_size", out.queue_size, entries_most);
  out.pending_entries_max =
      in.positive("daemon.max_pending_entries", out.pending_entries_max, entries_most);
  out.pending_mb_max = in.positive("daemon.max_pending_mb", out.pending_mb_max, mib_most);
  out.idempotency_keys_max =
      in.positive("daemon.max_idempotency_keys", out.idempotency_keys_max, entries_most);
  out.watch_files = in.flag("daemon.watch_config", out.watch_files);
  out.drain_timeout = std::chrono::seconds(in.positive("daemon.shutdown.drain_timeout_seconds",
                                                       out.drain_timeout.count(), seconds_most));
  constexpr std::string_view rate = "daemon.rate_limit.global_requests_per_minute";
  // The mode fills in what is absent; a number that makes no sense gets the plain default.
  out.global_requests_per_minute =
      in.has(rate) ? in.positive(rate, out.global_requests_per_minute, rate_most)
                   : preset.global_requests_per_minute;
  if (const value* written = in.find(rate); written != nullptr && written->integer > 0)
    out.limit_of_all_sources = out.global_requests_per_minute;
}

void read_http_limits(fields& in, limits_config& out) {
  constexpr std::int64_t connections_most = 1'000'000;
  constexpr std::int64_t bytes_most = std::int64_t{1} << 30;
  const auto number = [&in](std::string_view name, std::int64_t& value, std::int64_t most,
                            std::int64_t least = 1) {
    value = in.positive("daemon.limits." + std::string(name), value, most, least);
  };
  number("max_connections", out.max_connections, connections_most);
  number("max_connections_per_address", out.max_connections_per_address, connections_most);
  number("max_header_bytes", out.max_header_bytes, 1024 * 1024, 256);
  number("max_headers", out.max_headers, 10'000);
  number("max_target_bytes", out.max_target_bytes, 1024 * 1024, 16);
  number("min_body_bytes_per_second", out.min_body_bytes_per_second, bytes_most);
  number("max_in_flight_mb", out.max_in_flight_mb, mib_most);
  number("max_batch_bytes", out.max_batch_bytes, bytes_most);
  number("max_batch_entries", out.max_batch_entries, 1'000'000);
  const auto seconds = [&in](std::string_view name, std::chrono::seconds& value) {
    value = in.duration("daemon.limits." + std::string(name), value, seconds_most);
  };
  seconds("header_timeout_seconds", out.header_timeout);
  seconds("body_timeout_seconds", out.body_timeout);
  seconds("write_timeout_seconds", out.write_timeout);
  seconds("idle_timeout_seconds", out.idle_timeout);
}

void read_integrity(fields& in, wal_config& out, const mode_preset& preset) {
  constexpr std::string_view mode_path = "daemon.wal.integrity.mode";
  constexpr std::string_view key_path = "daemon.wal.integrity.mac_key_file";
  const std::string mode = in.word(mode_path);
  out.mac = in.has(mode_path) ? mode == "mac" : preset.mac;
  out.accept_unsigned = in.flag("daemon.wal.integrity.accept_unsigned", preset.accept_unsigned);
  if (!mode.empty() && mode != "mac" && mode != "crc32") {
    in.fail("unknown_value", mode_path,
            std::string(mode_path) + " is \"" + mode + "\"; it can be crc32 or mac");
  }
  out.mac_key = out.mac ? in.required_key(key_path, "missing_keyfile") : in.key(key_path);
}

/// Hours that make sense: 0 is one of them, and -1 means for ever.
std::int64_t read_retention(fields& in, std::int64_t when_absent) {
  constexpr std::string_view path = "daemon.wal.retain_delivered_hours";
  const value* found = in.find(path);
  if (found == nullptr || found->kind != value_kind::integer) return when_absent;
  if (found->integer < -1 || found->integer > hours_most) {
    in.fail("out_of_range", path,
            std::string(path) + " is " + found->text + "; it can be 0 to " +
                std::to_string(hours_most) + ", or -1 to keep what was delivered for ever");
  }
  return found->integer;
}

void read_wal(fields& in, config& out, const mode_preset& preset) {
  out.wal.path = in.absolute("daemon.wal.path", out.home + "/wal");
  out.wal.max_segment_size_mb =
      in.positive("daemon.wal.max_segment_size_mb", out.wal.max_segment_size_mb, 65'536);
  out.wal.retain_delivered_hours = read_retention(in, out.wal.retain_delivered_hours);
  out.wal.min_free_mb = in.positive("daemon.wal.min_free_mb", out.wal.min_free_mb, mib_most);
  read_integrity(in, out.wal, preset);
  read_encryption(in, out.wal.encryption, preset.wal_encryption);
  out.watchdog_interval = std::chrono::seconds(in.positive(
      "daemon.wal.watchdog.interval_seconds", out.watchdog_interval.count(), seconds_most));
  out.watchdog_disk_bytes_min = in.positive("daemon.wal.watchdog.min_disk_bytes",
                                            out.watchdog_disk_bytes_min, std::int64_t{1} << 60);
}

bool is_cidr(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  unsigned bits = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + slash + 1, end, bits);
  if (parsed.ec != std::errc() || parsed.ptr != end) return false;
  in6_addr bytes{};
  if (::inet_pton(AF_INET, address.c_str(), &bytes) == 1) return bits <= 32;
  return ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1 && bits <= 128;
}

void read_proxies(fields& in, config& out) {
  constexpr std::string_view path = "daemon.trusted_proxies.cidrs";
  for (const std::string& cidr : in.list(path)) {
    if (cidr.empty()) continue;
    if (!is_cidr(cidr)) {
      in.fail("invalid_cidr", path,
              "\"" + cidr + "\" is not an address range such as 10.0.0.0/8 or ::1/128");
    }
    out.trusted_proxy_cidrs.push_back(cidr);
  }
  out.forwarded_headers = in.list("daemon.trusted_proxies.forwarded_headers");
}

/// Nothing acts upon [daemon.oauth] yet, but a file that the reference refuses is refused here as
/// well.
void check_oauth(fields& in) {
  if (!in.flag("daemon.oauth.enabled", false)) return;
  const std::string issuer = in.text("daemon.oauth.issuer_url");
  if (issuer.empty()) {
    in.fail("oauth_issuer", "daemon.oauth.issuer_url",
            "daemon.oauth.issuer_url is needed when daemon.oauth.enabled = true");
  } else if (!issuer.starts_with("https://")) {
    in.warn("oauth_issuer", "daemon.oauth.issuer_url",
            "daemon.oauth.issuer_url should begin with https://");
  }
  if (is_literal(in.text("daemon.oauth.private_key_file"))) {
    in.fail("oauth_key", "daemon.oauth.private_key_file",
            "daemon.oauth.private_key_file must be env:NAME or file:/path");
  }
  if (!in.has("daemon.oauth.clients")) {
    in.warn("oauth_clients", "daemon.oauth", "daemon.oauth has no [[daemon.oauth.clients]]");
  }
}

void read_jwt(fields& in, jwt_config& out) {
  constexpr std::string_view url = "daemon.jwt.jwks_url";
  out.enabled = in.flag("daemon.jwt.enabled", out.enabled);
  out.jwks_url = in.text(url);
  out.claim_to_source = in.text("daemon.jwt.claim_to_source", out.claim_to_source);
  out.audience = in.text("daemon.jwt.audience");
  if (!out.enabled) return;
  if (out.jwks_url.empty()) {
    in.fail("jwks_url", url, std::string(url) + " is needed when daemon.jwt.enabled = true");
  } else if (!out.jwks_url.starts_with("https://") && !out.jwks_url.starts_with("http://")) {
    in.fail("jwks_url", url, std::string(url) + " must begin with https:// or http://");
  }
}

void read_security_events(fields& in, const std::string& home, security_events_config& out) {
  out.enabled = in.flag("security_events.enabled", out.enabled);
  out.log_file = in.absolute("security_events.log_file", home + "/logs/security.jsonl");
  out.max_file_size_mb =
      in.positive("security_events.max_file_size_mb", out.max_file_size_mb, mib_most);
  out.max_files = in.positive("security_events.max_files", out.max_files, 10'000);
}

/// Each of the two turns its file over by itself, and would move away what the other one writes.
void check_log_files(fields& in, const config& out) {
  if (!out.security_events.enabled || !out.audit.enabled) return;
  const auto plain = [](const std::string& path) {
    return std::filesystem::path(path).lexically_normal();
  };
  if (plain(out.security_events.log_file) != plain(out.audit.log_file)) return;
  in.fail("shared_log_file", "daemon.audit.log_file",
          "daemon.audit.log_file is the file of security_events.log_file: give each of them a file "
          "of its own");
}

/// What operators are shown and nothing acts upon.
void read_shown(fields& in, config& out) {
  out.mcp.enabled = in.flag("daemon.mcp.enabled", out.mcp.enabled);
  out.mcp.port = in.integer("daemon.mcp.port", out.mcp.port);
  out.mcp.bind = in.text("daemon.mcp.bind", out.mcp.bind);
  out.mcp.source_name = in.text("daemon.mcp.source_name");
  out.web.port = in.integer("daemon.web.port", out.web.port);
  out.web.require_auth = in.flag("daemon.web.require_auth", out.web.require_auth);
  out.retrieval.time_decay = in.flag("retrieval.time_decay", out.retrieval.time_decay);
  out.retrieval.half_life_days =
      in.number("retrieval.half_life_days", out.retrieval.half_life_days);
  out.retrieval.default_profile =
      in.text("retrieval.default_profile", out.retrieval.default_profile);
}

void read_consistency(fields& in, consistency_config& out) {
  out.enabled = in.flag("consistency.enabled", out.enabled);
  out.interval = std::chrono::seconds(
      in.positive("consistency.interval_seconds", out.interval.count(), seconds_most));
  out.sample_size = in.positive("consistency.sample_size", out.sample_size, samples_most);
}

}  // namespace

config build_daemon(const value& document, const std::string& home,
                    std::vector<finding>& findings) {
  check_keys(file_kind::daemon, document, findings);
  fields in(document, findings);
  config out;
  out.home = home;
  const mode_preset preset = read_mode(in, out);
  read_listener(in, out);
  read_limits(in, out, preset);
  read_wal(in, out, preset);
  read_tls(in, out.tls, preset.tls);
  out.mcp.api_key = in.key("daemon.mcp.api_key");
  read_shown(in, out);
  out.cors_origins = in.list("daemon.cors.allowed_origins");
  read_http_limits(in, out.limits);
  read_jwt(in, out.jwt);
  read_security_events(in, out.home, out.security_events);
  if (auto tiers = in.list("daemon.retrieval_firewall.tier_order"); !tiers.empty()) {
    out.tier_order = std::move(tiers);
  }
  read_proxies(in, out);
  check_oauth(in);
  read_consistency(in, out.consistency);
  read_events(in, out.events, findings);
  read_audit(in, out.audit, home);
  check_log_files(in, out);
  read_embedding(in, out.embedding);
  return out;
}

}  // namespace nexus::config
