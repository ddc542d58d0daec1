// The HTTP destination: each entry is one request, signed as Standard Webhooks does where there is
// a secret. docs/destinations/http.md says how answers become outcomes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/setting.hpp"
#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

struct http_options {
  /// http or https; may hold {payload_id}, {source} and {subject} after the host.
  std::string url;
  std::string method = "POST";  ///< POST or PUT
  std::string api_key;          ///< sent as `Authorization: Bearer`, unless empty
  /// Sent as they are, beside those that this program sets.
  std::map<std::string, std::string> headers;
  /// One or more secrets of Standard Webhooks, with spaces between them; empty: nothing is signed.
  std::string signing_secret;
  std::string ca_file;          ///< instead of the system's certificate authorities
  std::string cert_file;        ///< our own certificate
  std::string key_file;         ///< its key, unless it is in `cert_file`
  std::size_t concurrency = 8;  ///< requests at once
  /// What is sent: the entry's payload, or an object with the entry's own fields and the payload.
  enum class content : std::uint8_t { payload, entry } body = content::payload;
  std::chrono::milliseconds timeout{30'000};  ///< of each call
};

/// What is wrong with options, by the names of the config keys; never a secret's contents.
std::vector<core::setting_problem> check(const http_options& options);

/// Delivers each entry of a batch by one request over connections that stay open. An entry counts
/// as delivered once the head of a 2xx answer is there. The payload id goes along as
/// `Idempotency-Key` and `webhook-id`: by it the receiver knows an entry that comes again.
///
/// `ping` sends OPTIONS, which changes nothing at the receiver. `exists` is not supported.
/// Error `bad_config`: the first of `check`'s problems.
core::result<std::unique_ptr<destination>> make_http(const http_options& options);

/// The type "http".
type_info http_type();

}  // namespace nexus::destinations
