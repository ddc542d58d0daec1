// The answers that say no, in the one envelope of the API (section 3.1 of the v0.1.2 behaviour).
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.hpp"

namespace nexus::http {

/// `{"error":code,"message":…,"retry_after_seconds":…,"details":{}}` and a line feed.
/// The code is the stable contract, the message is for people and never holds a secret.
/// `retry_after_seconds` of 0 is left out; above 0 it is also sent as `Retry-After`.
response error_response(int status, std::string_view code, std::string_view message,
                        std::int64_t retry_after_seconds = 0);

/// 404 as plain text, as the reference's router answers.
response not_found_response();

/// 405 without a body; `allow` lists the methods that the path knows.
response method_not_allowed_response(std::string_view allow);

}  // namespace nexus::http
