#include "http/errors.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;

TEST_CASE("an error envelope has its keys in the fixed order, empty details and a line feed") {
  const auto answer = http::error_response(403, "policy_denied", "no");
  CHECK(answer.status == 403);
  CHECK(answer.content_type == "application/json");
  CHECK(answer.body == "{\"error\":\"policy_denied\",\"message\":\"no\",\"details\":{}}\n");
  CHECK(answer.headers.empty());
  CHECK_FALSE(answer.close);
}

TEST_CASE("an error envelope with a delay carries it in the body and in the header") {
  const auto answer = http::error_response(429, "queue_full", "later", 5);
  CHECK(answer.body ==
        "{\"error\":\"queue_full\",\"message\":\"later\",\"retry_after_seconds\":5,"
        "\"details\":{}}\n");
  CHECK(answer.headers == http::header_list{{"Retry-After", "5"}});
}

TEST_CASE("an error message is escaped for HTML") {
  CHECK(http::error_response(400, "x", "<a> & \"b\"").body ==
        "{\"error\":\"x\",\"message\":\"\\u003ca\\u003e \\u0026 \\\"b\\\"\",\"details\":{}}\n");
}

TEST_CASE("an unknown path and a wrong method are answered as the reference's router does") {
  const auto missing = http::not_found_response();
  CHECK(missing.status == 404);
  CHECK(missing.content_type.starts_with("text/plain"));
  CHECK(missing.body == "404 page not found\n");
  const auto wrong = http::method_not_allowed_response("POST");
  CHECK(wrong.status == 405);
  CHECK(wrong.body.empty());
  CHECK(wrong.headers == http::header_list{{"Allow", "POST"}});
}
