// The admin's endpoints of a running server, for the commands.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "cli/home.hpp"
#include "config/secret.hpp"
#include "core/result.hpp"

namespace nexus::cli {

/// Sends a request with the admin token; `body` is JSON, or empty. Returns the body of an answer
/// with status 200, which is valid JSON. Errors: `not_found` (404, with the server's words),
/// `unreachable` (no answer, or another status).
core::result<std::string> ask_server(const running_server& server,
                                     const config::secret& admin_token, const std::string& method,
                                     const std::string& target, const std::string& body,
                                     std::chrono::seconds patience);

/// The members of a JSON object: strings without their quotes, everything else as it stands there.
std::map<std::string, std::string> members_of(std::string_view object);

}  // namespace nexus::cli
