// The bytes of an answer.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "http/message.hpp"

namespace nexus::http {

/// What the answer depends on beside its content.
struct response_framing {
  bool keep_alive = true;
  bool http_1_0 = false;       ///< the request's version: there, keep-alive has to be said
  bool head = false;           ///< the request was HEAD: everything but the body
  std::string_view date = {};  ///< see http_date(); empty: no Date header
};

/// Appends head and body. Control characters in header values become spaces: a value can never end
/// its line.
void append_response(std::string& out, const response& response, const response_framing& framing);
/// Without the body. True: it follows.
bool append_head(std::string& out, const response& response, const response_framing& framing);

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
std::string http_date(std::time_t when);

}  // namespace nexus::http
