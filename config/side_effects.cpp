#include "config/side_effects.hpp"

#include <algorithm>
#include <utility>

#include "config/encryption.hpp"

namespace nexus::config {
namespace {

constexpr std::int64_t seconds_most = 86'400;

bool is_http_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

/// The sink of one table of the list. A value of the wrong type has been reported as such.
event_sink_config read_sink(const value& table, std::vector<finding>& findings) {
  constexpr std::string_view path = "daemon.events.sinks.";
  fields in(table, findings);
  event_sink_config out;
  out.name = in.text("name");
  if (const value* url = in.find("url"); url != nullptr && url->kind == value_kind::string) {
    out.url = in.required_key(*url, std::string(path) + "url", "missing_key");
    if (!out.url.empty() && !is_http_url(out.url.reveal()))
      in.fail("invalid_setting", url->key_at,
              std::string(path) + "url must begin with http:// or https://");
  } else if (url == nullptr) {
    in.fail("missing_key", table.where, std::string(path) + "url is missing");
  }
  out.timeout = in.duration("timeout_seconds", out.timeout, 3'600);
  out.max_retries = in.positive("max_retries", out.max_retries, 1'000);
  const std::string content = in.word("content");
  out.full = content == "full";
  if (!content.empty() && content != "full" && content != "none")
    in.warn(
        "unknown_value", "content",
        std::string(path) + "content is \"" + content + "\"; known values: none, full; using none");
  return out;
}

void check_sink_names(fields& in, const value& list, const std::vector<event_sink_config>& sinks) {
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i].name.empty()) {
      in.fail("missing_name", list.children[i].where, "daemon.events.sinks.name is missing");
      continue;
    }
    for (std::size_t j = 0; j < i; ++j)
      if (sinks[j].name == sinks[i].name)
        in.fail("duplicate_name", list.children[i].where,
                "there is another event sink named \"" + sinks[i].name + "\"");
  }
}

std::vector<std::chrono::seconds> read_backoff(fields& in,
                                               std::vector<std::chrono::seconds> standard) {
  constexpr std::string_view path = "daemon.events.retry_backoff_seconds";
  const value* list = in.find(path);
  if (list == nullptr || list->kind != value_kind::array || list->children.empty()) return standard;
  std::vector<std::chrono::seconds> out;
  for (const value& each : list->children) {
    if (each.kind != value_kind::integer) continue;
    if (each.integer < 0 || each.integer > seconds_most)
      in.fail("out_of_range", each.where,
              std::string(path) + " has " + each.text + "; it can be 0 to " +
                  std::to_string(seconds_most));
    out.emplace_back(each.integer);
  }
  return out.empty() ? standard : out;
}

void read_audit_integrity(fields& in, audit_config& out) {
  constexpr std::string_view mode_path = "daemon.audit.integrity.mode";
  constexpr std::string_view key_path = "daemon.audit.integrity.mac_key_file";
  const std::string mode = in.word(mode_path);
  out.mac = mode == "mac";
  if (!mode.empty() && mode != "mac" && mode != "crc32")
    in.fail("unknown_value", mode_path,
            std::string(mode_path) + " is \"" + mode + "\"; it can be crc32 or mac");
  out.mac_key =
      out.enabled && out.mac ? in.required_key(key_path, "missing_keyfile") : in.key(key_path);
}

void read_audit_encryption(fields& in, audit_config& out) {
  out.encrypts = in.flag("daemon.audit.encryption.enabled", out.encrypts);
  constexpr std::string_view path = "daemon.audit.encryption.key_file";
  const value* given = in.find(path);
  if (given != nullptr && given->kind != value_kind::string) return;  // has been reported
  const auto found = in.referenced(path);
  if (given != nullptr && found.empty()) return;
  if (!found.empty() && !found.front().bytes.empty()) {
    auto key = parse_encryption_key(found.front().bytes.reveal());
    if (!key)
      return in.fail("bad_key", found.front().at, std::string(path) + ": " + key.reason().text);
    out.key = std::move(*key);
  } else if (out.enabled && out.encrypts) {
    in.fail("missing_keyfile", path, in.why_empty(path) + ". `openssl rand -hex 32` makes one");
  }
}

}  // namespace

void read_events(fields& in, events_config& out, std::vector<finding>& findings) {
  out.enabled = in.flag("daemon.events.enabled", out.enabled);
  out.max_inflight = in.positive("daemon.events.max_inflight", out.max_inflight, 1'000'000);
  out.backoff = read_backoff(in, std::move(out.backoff));
  const value* list = in.find("daemon.events.sinks");
  const bool has_sinks = list != nullptr && list->kind == value_kind::array;
  if (!out.enabled) return;
  if (!has_sinks || list->children.empty()) {
    in.warn("no_effect", "daemon.events.enabled",
            "daemon.events.enabled = true has no effect without [[daemon.events.sinks]]");
    return;
  }
  for (const value& table : list->children) {
    if (table.kind != value_kind::table) return;  // has been reported
    out.sinks.push_back(read_sink(table, findings));
  }
  check_sink_names(in, *list, out.sinks);
}

void read_audit(fields& in, audit_config& out, const std::string& home) {
  out.enabled = in.flag("daemon.audit.enabled", out.enabled);
  constexpr std::string_view file = "daemon.audit.log_file";
  const value* given = in.find(file);
  const bool is_empty =
      given != nullptr && given->kind == value_kind::string && given->text.empty();
  if (is_empty && out.enabled)
    in.fail("empty_key", file, std::string(file) + " is empty; name a file, or leave the key out");
  out.log_file = in.absolute(file, home + "/logs/interactions.jsonl");
  out.max_file_size_mb = in.positive("daemon.audit.max_file_size_mb", out.max_file_size_mb, 65'536);
  out.admin_requests_per_minute = in.positive("daemon.audit.admin_rate_limit_per_minute",
                                              out.admin_requests_per_minute, 1'000'000'000);
  out.dual_write = in.flag("daemon.audit.dual_write", out.dual_write);
  read_audit_integrity(in, out);
  read_audit_encryption(in, out);
}

void read_embedding(fields& in, embedding_config& out) {
  out.enabled = in.flag("daemon.embedding.enabled", out.enabled);
  const std::string provider = in.word("daemon.embedding.provider");
  const bool is_ollama = provider == "ollama";
  const bool is_openai = provider.empty() || provider == "openai";
  if (!is_ollama && !is_openai && provider != "compatible")
    in.fail("unknown_value", "daemon.embedding.provider",
            "daemon.embedding.provider is \"" + provider +
                "\"; it can be openai, compatible or ollama");
  out.provider = is_ollama ? embedding_provider::ollama : embedding_provider::openai;
  const char* url = is_ollama ? "http://127.0.0.1:11434" : "https://api.openai.com";
  constexpr std::string_view url_path = "daemon.embedding.url";
  out.url = in.text(url_path, is_ollama || is_openai ? url : "");
  while (out.url.ends_with('/')) out.url.pop_back();
  if (out.enabled && out.url.empty())
    in.fail("missing_key", url_path, "daemon.embedding.url is needed for provider \"compatible\"");
  if (!out.url.empty() && !is_http_url(out.url))
    in.fail("invalid_setting", url_path,
            std::string(url_path) + " must begin with http:// or https://");
  out.api_key = in.key("daemon.embedding.api_key");
  out.model =
      in.text("daemon.embedding.model", is_ollama ? "nomic-embed-text" : "text-embedding-3-small");
  out.dimensions = in.positive("daemon.embedding.dimensions", out.dimensions, 65'536);
  // As in the reference, no write waits longer than that.
  out.timeout = std::min(in.duration("daemon.embedding.timeout_seconds", out.timeout, seconds_most),
                         std::chrono::seconds(10));
}

}  // namespace nexus::config
