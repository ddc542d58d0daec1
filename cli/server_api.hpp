// The admin's endpoints of a running server, for the commands.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "cli/home.hpp"
#include "cli/http_client.hpp"
#include "config/config.hpp"
#include "config/loader.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"

namespace nexus::cli {

/// What opens the server of a home to its commands.
struct server_access {
  config::secret admin_token;
  config::tls_config tls;
};
server_access access_to(const config::config& settings);

/// The configuration of a home, for a command to its server. Errors: those of config::load(); where
/// a server runs all the same, with the configuration that it was started with, they say so, and
/// how to end it.
core::result<config::loaded> load_beside_server(const std::string& home,
                                                const destinations::registry& types);

/// A client for that server, which connects when it is used. One that speaks TLS is known by the
/// key of `tls.cert_file`; where it asks, it is shown the certificate in the file that
/// NEXUS_CLIENT_CERT names, with the key in NEXUS_CLIENT_KEY (default: the same file). Error
/// `bad_config`: the file cannot be read, or a certificate is required and none is named.
core::result<std::unique_ptr<http_client>> connect(const running_server& server,
                                                   const config::tls_config& tls,
                                                   std::chrono::seconds patience);

/// Sends a request with the admin token; `body` is JSON, or empty. Returns the body of an answer
/// with status 200, which is valid JSON. Errors: those of connect(), `not_found` (404, with the
/// server's words), `unreachable` (no answer, or another status).
core::result<std::string> ask_server(const running_server& server, const server_access& with,
                                     const std::string& method, const std::string& target,
                                     const std::string& body, std::chrono::seconds patience);

/// The members of a JSON object: strings without their quotes, everything else as it stands there.
std::map<std::string, std::string> members_of(std::string_view object);

}  // namespace nexus::cli
