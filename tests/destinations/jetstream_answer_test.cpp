#include "destinations/jetstream_answer.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::destinations;

namespace {

std::string error(int code, int err_code, const std::string& text) {
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"err_code":)" +
         std::to_string(err_code) + R"(,"description":")" + text + R"("},"stream":"S","seq":0})";
}

outcome_kind kind_of(int code, int err_code) {
  const auto read = read_answer(error(code, err_code, "why"), "S");
  REQUIRE(read.has_value());
  CHECK(read->reason == "JetStream: why (" + std::to_string(err_code) + ")");
  return read->kind;
}

}  // namespace

TEST_CASE("an acknowledgement is a delivery, of a repeated message, too") {
  for (const char* text :
       {R"({"stream":"S", "seq":7})", R"({"stream":"S","seq":7,"duplicate":true})",
        R"({"stream":"S","domain":"d","seq":18446744073709551615})"}) {
    const auto read = read_answer(text, "S");
    REQUIRE(read.has_value());
    CHECK(read->kind == outcome_kind::delivered);
  }
}

TEST_CASE("a repeated message without a sequence is not acknowledged") {
  CHECK_FALSE(read_answer(R"({"stream":"S","seq":0,"duplicate": true})", "S").has_value());
  CHECK_FALSE(read_answer(R"({"stream":"S"})", "S").has_value());
}

TEST_CASE("an acknowledgement of another stream is a fault of the configuration") {
  const auto read = read_answer(R"({"stream":"T","seq":1})", "S");
  REQUIRE(read.has_value());
  CHECK(read->kind == outcome_kind::config_fault);
}

TEST_CASE("answers that ask for patience mean: send it again") {
  for (const int code : {10008, 10009, 10158, 10167}) {
    CHECK_FALSE(read_answer(error(503, code, "later"), "S").has_value());
  }
}

TEST_CASE("each error of JetStream has its outcome") {
  CHECK(kind_of(400, 10054) == outcome_kind::permanent);
  for (const int code : {10039, 10059, 10060, 10076, 10109}) {
    CHECK(kind_of(400, code) == outcome_kind::config_fault);
  }
  for (const int code : {10002, 10005, 10023, 10027, 10028, 10047, 10077, 10118}) {
    CHECK(kind_of(400, code) == outcome_kind::unreachable);
  }
  CHECK(kind_of(503, 10999) == outcome_kind::unreachable);
  CHECK(kind_of(429, 10999) == outcome_kind::unreachable);
  CHECK(kind_of(403, 10999) == outcome_kind::config_fault);
  CHECK(kind_of(400, 10003) == outcome_kind::transient);
}

TEST_CASE("an answer that is not JSON of the expected shape is transient or no acknowledgement") {
  for (const char* text : {"", "ok", "[]", "7"}) {
    const auto read = read_answer(text, "S");
    REQUIRE(read.has_value());
    CHECK(read->kind == outcome_kind::transient);
  }
  const auto shapeless = read_answer(R"({"error":"no"})", "S");
  REQUIRE(shapeless.has_value());
  CHECK(shapeless->kind == outcome_kind::transient);
}
