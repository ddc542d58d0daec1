#include "http/errors.hpp"

#include <string>

#include "core/json_object.hpp"

namespace nexus::http {

response error_response(int status, std::string_view code, std::string_view message,
                        std::int64_t retry_after_seconds) {
  response answer;
  answer.status = status;
  answer.error_code = code;
  answer.error_message = message;
  answer.retry_after_seconds = retry_after_seconds;
  core::json_object body(answer.body);
  body.text("error", code).text("message", message);
  if (retry_after_seconds > 0) {
    body.number("retry_after_seconds", retry_after_seconds);
    answer.headers.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  }
  body.start("details") += "{}";
  body.end();
  answer.body += '\n';
  return answer;
}

response not_found_response() {
  response answer;
  answer.status = 404;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = "404 page not found\n";
  return answer;
}

response method_not_allowed_response(std::string_view allow) {
  response answer;
  answer.status = 405;
  answer.content_type.clear();
  answer.headers.emplace_back("Allow", allow);
  return answer;
}

}  // namespace nexus::http
