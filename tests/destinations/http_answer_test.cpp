#include "destinations/http_answer.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using std::chrono::seconds;

namespace {

constexpr const char* origin = "https://receiver.example";

http_reply answer(int status, const std::string& body = {}) {
  http_reply reply;
  reply.how = http_end::answered;
  reply.status = status;
  reply.body = body;
  return reply;
}

outcome_kind kind_of(int status) {
  return outcome_of(answer(status), origin).kind;
}

outcome_kind postgrest_kind_of(int status, const std::string& body = {}) {
  return postgrest_outcome_of(answer(status, body), origin).kind;
}

std::string error_body(const std::string& code, const std::string& details = "") {
  return R"({"code":")" + code + R"(","details":")" + details + R"(","hint":null,"message":"m"})";
}

}  // namespace

TEST_CASE("every status belongs to one kind of outcome") {
  for (const int status : {200, 201, 202, 204, 299})
    CHECK(kind_of(status) == outcome_kind::delivered);
  for (const int status : {301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 407, 410}) {
    INFO(status);
    CHECK(kind_of(status) == outcome_kind::config_fault);
  }
  for (const int status : {408, 409, 425, 500, 501, 505, 508, 599}) {
    INFO(status);
    CHECK(kind_of(status) == outcome_kind::transient);
  }
  for (const int status : {429, 502, 503, 504, 507, 520, 522, 530}) {
    INFO(status);
    CHECK(kind_of(status) == outcome_kind::unreachable);
  }
  for (const int status : {400, 406, 411, 413, 414, 415, 422, 431, 451}) {
    INFO(status);
    CHECK(kind_of(status) == outcome_kind::permanent);
  }
}

TEST_CASE("a reason names the server and the status, and nothing of the body") {
  const outcome refused = outcome_of(answer(422, "the whole payload"), origin);
  CHECK(refused.reason == "https://receiver.example answered 422");
  http_reply moved = answer(308, "gone");
  moved.location_host = "other.example:8443";
  CHECK(outcome_of(moved, origin).reason ==
        "https://receiver.example answered 308, a redirect to other.example:8443; redirects are "
        "not followed");
}

TEST_CASE("what the server asks for goes along") {
  for (const int status : {429, 503, 500, 408}) {
    http_reply reply = answer(status);
    reply.retry_after = seconds(7);
    CHECK(outcome_of(reply, origin).retry_after == seconds(7));
  }
}

TEST_CASE("without an answer it is the connection, the configuration or the URL") {
  http_reply reply;
  reply.problem = "what curl says";
  const auto kind_for = [&](http_end how) {
    reply.how = how;
    return outcome_of(reply, origin).kind;
  };
  CHECK(kind_for(http_end::unreachable) == outcome_kind::unreachable);
  CHECK(kind_for(http_end::timed_out) == outcome_kind::unreachable);
  CHECK(kind_for(http_end::refused) == outcome_kind::config_fault);
  CHECK(kind_for(http_end::bad_url) == outcome_kind::permanent);
  CHECK(outcome_of(reply, origin).reason == "https://receiver.example: what curl says");
}

TEST_CASE("PostgREST's 409 is a row that is there, unless another rule refused it") {
  CHECK(postgrest_kind_of(409) == outcome_kind::delivered);
  CHECK(postgrest_kind_of(409, error_body("23505", "Key (payload_id)=(a) already exists.")) ==
        outcome_kind::delivered);
  CHECK(postgrest_kind_of(409, error_body("23505", "Key (idempotency_key)=(k) already exists.")) ==
        outcome_kind::permanent);
  CHECK(postgrest_kind_of(409, error_body("23503")) == outcome_kind::permanent);
}

TEST_CASE("PostgREST's code tells a wrong table from a wrong row") {
  for (const auto* code : {"PGRST204", "PGRST205", "PGRST106", "42703", "42P01", "42501"}) {
    INFO(code);
    CHECK(postgrest_kind_of(400, error_body(code)) == outcome_kind::config_fault);
  }
  for (const auto* code : {"22P02", "23502", "23514", "P0001", "PGRST102"}) {
    INFO(code);
    CHECK(postgrest_kind_of(400, error_body(code)) == outcome_kind::permanent);
  }
  CHECK(postgrest_kind_of(404) == outcome_kind::config_fault);
  CHECK(postgrest_kind_of(540) == outcome_kind::config_fault);
  CHECK(postgrest_kind_of(544) == outcome_kind::unreachable);
  CHECK(postgrest_kind_of(503, error_body("PGRST002")) == outcome_kind::unreachable);
}

TEST_CASE("only a code of PostgREST comes into a reason") {
  CHECK(postgrest_outcome_of(answer(400, error_body("22P02")), origin).reason ==
        "https://receiver.example answered 400 (22P02)");
  for (const std::string& body :
       {error_body("a secret"), error_body("ABCDEFGHIJ"), std::string("[1]"), std::string("{")}) {
    CHECK(postgrest_outcome_of(answer(400, body), origin).reason ==
          "https://receiver.example answered 400");
  }
}
