#include <charconv>
#include <string_view>

#include "destinations/jetstream.hpp"
#include "destinations/nats_subject.hpp"

namespace nexus::destinations {

namespace {

using core::setting_kind;
using core::setting_problem;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto comma = text.find(',');
    auto part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    parts.emplace_back(part);
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

/// An address may end up in logs, so it must not hold a password.
std::optional<std::string> url_fault(std::string_view url) {
  const auto scheme = url.find("://");
  const auto name = url.substr(0, scheme);
  if (scheme == std::string_view::npos || (name != "nats" && name != "tls")) {
    return "every server's URL begins with nats:// or tls://";
  }
  if (url.find('@') != std::string_view::npos) {
    return "a URL must not hold credentials: set user and password, or token";
  }
  if (url.size() == scheme + 3) return "a URL has no host";
  return std::nullopt;
}

bool is_stream_name(std::string_view name) {
  if (name.empty()) return false;
  return name.find_first_of(std::string_view(" \t\r\n\f.*>/\\\0", 11)) == std::string_view::npos;
}

std::vector<setting_problem> problems_of(const core::setting_values& values) {
  settings set;
  set.values = values;
  std::vector<setting_problem> problems;
  for (const auto& url : split(set.text("url"))) {
    if (auto fault = url_fault(url)) {
      problems.push_back({"url", *std::move(fault)});
      break;
    }
  }
  if (!is_stream_name(set.text("stream"))) {
    problems.push_back({"stream", "a stream's name has no white space and none of . * > / \\"});
  }
  if (auto fault = subject_template_fault(set.text("subject"))) {
    problems.push_back({"subject", *std::move(fault)});
  }
  if (set.text("user").empty() != set.text("password").empty()) {
    problems.push_back({"user", "user and password go together"});
  }
  if (set.text("cert_file").empty() != set.text("key_file").empty()) {
    problems.push_back({"cert_file", "cert_file and key_file go together"});
  }
  int kinds = 0;
  for (const char* key : {"token", "user", "credentials_file"}) kinds += !set.text(key).empty();
  if (kinds > 1) {
    problems.push_back({"", "set one of token, user with password, credentials_file"});
  }
  return problems;
}

core::result<std::unique_ptr<destination>> make(const settings& from) {
  const auto problems = problems_of(from.values);
  if (!problems.empty()) {
    return core::error{core::errc::bad_config, "destination " + from.name + ": " +
                                                   problems.front().name + ": " +
                                                   problems.front().message};
  }
  jetstream_options options;
  options.urls = split(from.text("url"));
  options.stream = from.text("stream");
  options.subject = from.text("subject");
  options.token = from.text("token");
  options.user = from.text("user");
  options.password = from.text("password");
  options.credentials_file = from.text("credentials_file");
  options.ca_file = from.text("ca_file");
  options.cert_file = from.text("cert_file");
  options.key_file = from.text("key_file");
  options.create_stream = from.flag("create_stream");
  options.replicas = static_cast<int>(from.number("replicas"));
  options.duplicate_window = std::chrono::seconds(from.number("duplicate_window_s"));
  options.timeout = from.timeout;
  return make_jetstream(options);
}

}  // namespace

type_info jetstream_type() {
  type_info info;
  info.make = make;
  info.schema.keys = {
      {.name = "url", .required = true},
      {.name = "stream", .required = true},
      {.name = "subject", .fallback = "nexus.{source}"},
      {.name = "token", .kind = setting_kind::secret},
      {.name = "user"},
      {.name = "password", .kind = setting_kind::secret},
      {.name = "credentials_file", .kind = setting_kind::path},
      {.name = "ca_file", .kind = setting_kind::path},
      {.name = "cert_file", .kind = setting_kind::path},
      {.name = "key_file", .kind = setting_kind::path},
      {.name = "create_stream", .kind = setting_kind::boolean, .fallback = "false"},
      {.name = "replicas", .kind = setting_kind::integer, .fallback = "1", .least = 1, .most = 5},
      {.name = "duplicate_window_s",
       .kind = setting_kind::integer,
       .fallback = "120",
       .least = 1,
       .most = 7 * 24 * 3600},
  };
  info.schema.check = problems_of;
  info.workers_default = 4;
  info.in_order = false;
  return info;
}

}  // namespace nexus::destinations
