#include "ingest/config_view.hpp"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "http/errors.hpp"

namespace nexus::ingest {
namespace {

using names = std::vector<std::string>;

template <class T>
names sorted_names(const std::vector<T>& all) {
  names out;
  for (const auto& one : all) out.push_back(one.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::string_view version_text(config::tls_version version) {
  switch (version) {
    case config::tls_version::v1_0:
      return "1.0";
    case config::tls_version::v1_1:
      return "1.1";
    case config::tls_version::v1_2:
      return "1.2";
    case config::tls_version::v1_3:
      break;
  }
  return "1.3";
}

void append_daemon(std::string& out, const config::config& from) {
  core::json_object(out)
      .text("bind", from.bind)
      .text("log_level", from.log_level)
      .text("mode", from.mode)
      .number("port", from.port)
      .number("queue_size", from.queue_size)
      .end();
}

void append_wal(std::string& out, const config::config& from) {
  core::json_object(out)
      .boolean("encryption_enabled", from.wal.encryption.enabled)
      .text("integrity_mode", from.wal.mac ? "mac" : "crc32")
      .number("max_segment_size_mb", from.wal.max_segment_size_mb)
      .text("path", from.wal.path)
      .number("watchdog_interval_s", from.watchdog_interval.count())
      .number("watchdog_min_disk", from.watchdog_disk_bytes_min)
      .end();
}

void append_mcp(std::string& out, const config::mcp_config& from) {
  core::json_object(out)
      .text("bind", from.bind)
      .boolean("enabled", from.enabled)
      .number("port", from.port)
      .text("source_name", from.source_name)
      .end();
}

void append_retrieval(std::string& out, const config::retrieval_config& from) {
  core::json_object object(out);
  object.text("default_profile", from.default_profile);
  object.start("half_life_days") += fmt::format("{}", from.half_life_days);
  object.boolean("time_decay", from.time_decay).end();
}

/// What a source may do, as the reference shows it; `hash`: with the hash of the rest.
void append_policy(std::string& out, const config::source_config& from, const std::string& hash) {
  core::json_object object(out);
  object.text("source", from.name)
      .boolean("can_read", from.can_read)
      .boolean("can_write", from.can_write);
  core::append_texts(object.start("allowed_destinations"), from.policy.allowed_destinations);
  object.number("max_results", from.policy.max_results)
      .number("max_response_bytes", from.policy.max_response_bytes)
      .number("rate_limit_per_min", from.requests_per_minute)
      .text("policy_hash", hash)
      .end();
}

/// Of everything that a policy says, also of what is not shown.
std::string hash_of(const config::source_config& from) {
  std::string text;
  append_policy(text, from, "");
  for (const auto* list : {&from.policy.allowed_operations, &from.policy.allowed_retrieval_modes,
                           &from.policy.allowed_profiles})
    core::append_texts(text, *list);
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
}

std::string relative_to(const std::string& home, const std::string& file) {
  return file.starts_with(home + '/') ? file.substr(home.size() + 1) : file;
}

http::response lint_response(const std::vector<config::finding>& findings,
                             const std::string& home) {
  http::response answer;
  core::json_object body(answer.body);
  std::string& list = body.start("warnings");
  list += '[';
  for (const auto& one : findings) {
    if (&one != &findings.front()) list += ',';
    config::append_json(list, one, relative_to(home, one.where.file));
  }
  list += ']';
  body.end();
  answer.body += '\n';
  return answer;
}

}  // namespace

http::response config_response(const config::config& settings) {
  http::response answer;
  core::json_object body(answer.body);
  append_daemon(body.start("daemon"), settings);
  core::append_texts(body.start("destinations"), sorted_names(settings.destinations));
  append_mcp(body.start("mcp"), settings.mcp);
  core::json_object(body.start("rate_limit"))
      .number("global_rpm", settings.global_requests_per_minute)
      .end();
  append_retrieval(body.start("retrieval"), settings.retrieval);
  core::append_texts(body.start("sources"), sorted_names(settings.sources));
  core::json_object(body.start("tls"))
      .boolean("enabled", settings.tls.enabled)
      .text("min_version", version_text(settings.tls.min_version))
      .end();
  append_wal(body.start("wal"), settings);
  core::json_object(body.start("web"))
      .number("port", settings.web.port)
      .boolean("require_auth", settings.web.require_auth)
      .end();
  body.end();
  answer.body += '\n';
  return answer;
}

http::response policies_response(const config::config& settings) {
  std::vector<const config::source_config*> sources;
  for (const auto& one : settings.sources) sources.push_back(&one);
  std::sort(sources.begin(), sources.end(),
            [](const auto* a, const auto* b) { return a->name < b->name; });
  http::response answer;
  core::json_object body(answer.body);
  std::string& list = body.start("sources");
  list += '[';
  for (const auto* one : sources) {
    if (one != sources.front()) list += ',';
    append_policy(list, *one, hash_of(*one));
  }
  list += ']';
  body.end();
  answer.body += '\n';
  return answer;
}

void handle_lint(const services_ptr& house, const config::config& settings,
                 http::respond_fn respond) {
  house->out.lint([house, home = settings.home, respond = std::move(respond)](
                      const core::result<std::vector<config::finding>>& found) {
    respond(found ? lint_response(*found, home) : refuse(*house, "lint", found.reason()));
  });
}

}  // namespace nexus::ingest
