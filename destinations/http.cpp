#include "destinations/http.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"
#include "destinations/http_answer.hpp"
#include "destinations/http_delivery.hpp"
#include "destinations/http_multi.hpp"
#include "destinations/http_url.hpp"
#include "destinations/webhook_signature.hpp"

namespace nexus::destinations {

namespace {

namespace json = core::json;

constexpr std::int64_t concurrency_most = 256;

/// Headers that this program sets, or that would break a request.
constexpr std::array<std::string_view, 10> own_headers{"connection",        "content-length",
                                                       "content-type",      "expect",
                                                       "idempotency-key",   "host",
                                                       "webhook-id",        "webhook-signature",
                                                       "webhook-timestamp", "transfer-encoding"};

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

/// RFC 9110 section 5.1.
bool is_header_name(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  const auto fits = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           others.find(c) != std::string_view::npos;
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), fits);
}

/// Whether it can stand in a header, where a line break would begin another one.
bool is_header_value(std::string_view value) {
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
  };
  return value.find_first_not_of(" \t") != std::string_view::npos &&
         std::none_of(value.begin(), value.end(), is_control);
}

std::optional<std::string> fault_of_header(const std::string& name, const std::string& value,
                                           bool has_api_key) {
  const std::string known = lower(name);
  if (!is_header_name(name)) return "it is not the name of a header";
  if (std::find(own_headers.begin(), own_headers.end(), known) != own_headers.end()) {
    return "this header is set by the program";
  }
  if (known == "authorization" && has_api_key) return "this header is set from api_key";
  if (!is_header_value(value)) return "its value is empty or holds a line break";
  return std::nullopt;
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += out.empty() ? '{' : ',';
  json::append_quoted(out, key);
  out += ':';
  json::append_quoted(out, text);
}

std::string envelope(const core::entry& entry) {
  std::string out;
  append_member(out, "payload_id", entry.payload_id);
  append_member(out, "source", entry.source);
  append_member(out, "destination", entry.destination);
  append_member(out, "subject", entry.subject);
  append_member(out, "actor_type", entry.actor_type);
  append_member(out, "actor_id", entry.actor_id);
  append_member(out, "timestamp", entry.timestamp);
  append_member(out, "idempotency_key", entry.idempotency_key);
  return out + ",\"payload\":" + entry.payload + '}';
}

/// A number of seconds since 1970.
std::string unix_time() {
  const auto now = core::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

class http_destination final : public destination {
 public:
  http_destination(http_options options, url_template url, std::optional<webhook_signer> signer)
      : options_(std::move(options)),
        url_(std::move(url)),
        signer_(std::move(signer)),
        connections_(
            {options_.ca_file, options_.cert_file, options_.key_file, options_.concurrency}) {
    for (const auto& [name, value] : options_.headers) headers_.push_back(name + ": " + value);
    if (!options_.api_key.empty()) headers_.push_back("Authorization: Bearer " + options_.api_key);
  }

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    const auto make = [this](const core::entry& entry) { return request_of(entry); };
    const auto judge = [this](const http_reply& reply) { return outcome_of(reply, url_.origin()); };
    return deliver_each(connections_, options_.timeout, batch, {make, judge});
  }

  core::result<void> ping() override {
    http_request probe = request("ping", "");
    probe.method = "OPTIONS";
    probe.url = url_.expand("ping");
    return to_result(judge_ping(ask(connections_, options_.timeout, std::move(probe))));
  }

 private:
  core::result<http_request> request_of(const core::entry& entry) const {
    if (!is_header_value(entry.payload_id)) {
      return core::error{core::errc::invalid_argument,
                         "the entry has no payload id, or one that cannot stand in a header"};
    }
    auto url = url_.expand(entry);
    if (!url) return std::move(url).reason();
    const bool is_entry = options_.body == http_options::content::entry;
    auto made = request(entry.payload_id, is_entry ? envelope(entry) : entry.payload);
    made.url = *std::move(url);
    made.headers.push_back("Content-Type: application/json");
    made.headers.push_back("Idempotency-Key: " + entry.payload_id);
    return made;
  }

  /// What requests for entries and for pings have in common.
  http_request request(const std::string& id, std::string body) const {
    http_request made;
    made.method = options_.method;
    made.headers = headers_;
    made.body = std::move(body);
    const std::string timestamp = unix_time();
    made.headers.push_back("webhook-id: " + id);
    made.headers.push_back("webhook-timestamp: " + timestamp);
    if (signer_) {
      made.headers.push_back("webhook-signature: " + signer_->sign(id, timestamp, made.body));
    }
    return made;
  }

  /// Receivers answer OPTIONS in many ways where they take entries well (204, 404, 405, 501): only
  /// what is true of any method counts.
  outcome judge_ping(const http_reply& reply) const {
    outcome result = outcome_of(reply, url_.origin());
    if (reply.how != http_end::answered || result.kind == outcome_kind::unreachable) return result;
    const bool is_redirect = reply.status >= 300 && reply.status < 400;
    if (is_redirect || reply.status == 401 || reply.status == 407) return result;
    return {};
  }

  const http_options options_;
  const url_template url_;
  const std::optional<webhook_signer> signer_;
  std::vector<std::string> headers_;  ///< the same for every request
  http_multi connections_;
};

http_options options_of(const core::setting_values& values) {
  settings from;
  from.values = values;
  http_options to;
  to.url = from.text("url");
  if (!from.text("method").empty()) to.method = from.text("method");
  to.api_key = from.text("api_key");
  to.headers = from.table("headers");
  to.signing_secret = from.text("signing_secret");
  to.ca_file = from.text("ca_file");
  to.cert_file = from.text("cert_file");
  to.key_file = from.text("key_file");
  if (!from.text("concurrency").empty()) {
    to.concurrency = static_cast<std::size_t>(from.number("concurrency"));
  }
  if (from.text("body") == "entry") to.body = http_options::content::entry;
  return to;
}

core::setting_schema schema() {
  using core::setting_kind;
  core::setting_schema made;
  made.keys = {
      {.name = "url", .required = true},
      {.name = "method", .fallback = "POST", .choices = {"POST", "PUT"}},
      {.name = "api_key", .kind = setting_kind::secret},
      {.name = "headers", .kind = setting_kind::secret_table},
      {.name = "signing_secret", .kind = setting_kind::secret},
      {.name = "ca_file", .kind = setting_kind::path},
      {.name = "cert_file", .kind = setting_kind::path},
      {.name = "key_file", .kind = setting_kind::path},
      {.name = "concurrency",
       .kind = setting_kind::integer,
       .fallback = "8",
       .least = 1,
       .most = concurrency_most},
      {.name = "body", .fallback = "payload", .choices = {"payload", "entry"}},
  };
  made.check = [](const core::setting_values& values) { return check(options_of(values)); };
  return made;
}

}  // namespace

std::vector<core::setting_problem> check(const http_options& options) {
  std::vector<core::setting_problem> problems;
  if (auto url = url_template::make(options.url); !url) {
    problems.push_back({"url", url.reason().text});
  }
  if (!options.api_key.empty() && !is_header_value(options.api_key)) {
    problems.push_back({"api_key", "it holds a line break or is blank"});
  }
  for (const auto& [name, value] : options.headers) {
    if (auto fault = fault_of_header(name, value, !options.api_key.empty())) {
      problems.push_back({"headers." + name, *std::move(fault)});
    }
  }
  if (!options.signing_secret.empty()) {
    if (auto signer = webhook_signer::make(options.signing_secret); !signer) {
      problems.push_back({"signing_secret", signer.reason().text});
    }
  }
  if (!options.key_file.empty() && options.cert_file.empty()) {
    problems.push_back({"key_file", "there is no cert_file that it belongs to"});
  }
  return problems;
}

core::result<std::unique_ptr<destination>> make_http(const http_options& options) {
  if (const auto problems = check(options); !problems.empty()) {
    return core::error{core::errc::bad_config,
                       problems.front().name + ": " + problems.front().message};
  }
  std::optional<webhook_signer> signer;
  if (!options.signing_secret.empty()) signer = *webhook_signer::make(options.signing_secret);
  return std::unique_ptr<destination>(std::make_unique<http_destination>(
      options, *url_template::make(options.url), std::move(signer)));
}

type_info http_type() {
  type_info info;
  info.make = [](const settings& from) -> core::result<std::unique_ptr<destination>> {
    http_options options = options_of(from.values);
    options.timeout = from.timeout;
    auto made = make_http(options);
    if (made) return made;
    return core::error{made.reason().code, "destination " + from.name + ": " + made.reason().text};
  };
  info.schema = schema();
  info.workers_default = 4;
  return info;
}

}  // namespace nexus::destinations
