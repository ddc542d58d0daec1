#include "core/entry.hpp"

#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::core;

namespace {

std::string spelled(const entry& value) {
  std::string out;
  REQUIRE(append_json(out, value).ok());
  return out;
}

entry parsed(const std::string& json) {
  INFO(json);
  auto value = parse_entry(json);
  REQUIRE(value.ok());
  return *std::move(value);
}

entry golden_v1() {
  entry value;
  value.payload_id = "p1";
  value.idempotency_key = "k1";
  value.timestamp = "2026-04-07T01:02:03.12Z";
  value.source = "s";
  value.destination = "d";
  value.subject = "u";
  value.actor_type = "user";
  value.actor_id = "a";
  value.payload = R"({"x":1})";
  return value;
}

}  // namespace

TEST_CASE("golden vector V1: an entry is spelled byte for byte as the reference spells it") {
  auto json = spelled(golden_v1());
  CHECK(
      json ==
      R"({"version":2,"payload_id":"p1","idempotency_key":"k1","status":"PENDING","timestamp":"2026-04-07T01:02:03.12Z",)"
      R"("source":"s","destination":"d","subject":"u","actor_type":"user","actor_id":"a","payload":{"x":1}})");
  CHECK(json.size() == 209);
}

TEST_CASE("golden vector V4: every kind of character is escaped as the reference escapes it") {
  entry value;
  value.payload_id = "p3";
  value.idempotency_key = "k<1>";
  value.timestamp = "2026-01-01T00:00:00Z";
  value.source = "s";
  value.destination = "sqlite";
  value.subject = "a & b";
  value.actor_type = "user";
  value.payload = "{\"content\":";
  json::append_quoted(value.payload, "<b> \u2028 \x01\b\f\t\n\"\\/ é😀 \xff");
  value.payload += "}";
  auto json = spelled(value);
  CHECK(
      json ==
      R"({"version":2,"payload_id":"p3","idempotency_key":"k\u003c1\u003e","status":"PENDING",)"
      R"("timestamp":"2026-01-01T00:00:00Z","source":"s","destination":"sqlite","subject":"a \u0026 b",)"
      R"("actor_type":"user","actor_id":"","payload":{"content":"\u003cb\u003e \u2028 \u0001\b\f\t\n\"\\/ é😀 \ufffd"}})");
  CHECK(json.size() == 292);
}

TEST_CASE("golden vector V5: a line of the reference survives reading and writing byte for byte") {
  const std::string v5 =
      R"({"version":2,"payload_id":"9cc2a55a30b8d300684a672c595b6eee","idempotency_key":"idem-1","status":"PENDING",)"
      R"("timestamp":"2026-01-01T00:00:00Z","source":"default","destination":"sqlite","subject":"default",)"
      R"("actor_type":"user","actor_id":"","payload":{"payload_id":"9cc2a55a30b8d300684a672c595b6eee",)"
      R"("request_id":"req-1","source":"default","subject":"default","namespace":"default","destination":"sqlite",)"
      R"("collection":"","content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z",)"
      R"("idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0","actor_type":"user","actor_id":"",)"
      R"("metadata":{"a":"2","z":"1"},"classification_tier":"public"}})";
  CHECK(spelled(parsed(v5)) == v5);
}

TEST_CASE("an entry reads back what was written, for all fields") {
  auto value = golden_v1();
  value.subject = "tab\t<&> \u2028 \x01 é";
  value.extension = R"(,"x":1,"x":{"y": [1.0]})";
  auto back = parsed(spelled(value));
  CHECK(back.version == 2);
  CHECK(back.payload_id == value.payload_id);
  CHECK(back.idempotency_key == value.idempotency_key);
  CHECK(back.status == "PENDING");
  CHECK(back.timestamp == value.timestamp);
  CHECK(back.source == value.source);
  CHECK(back.destination == value.destination);
  CHECK(back.subject == value.subject);
  CHECK(back.actor_type == value.actor_type);
  CHECK(back.actor_id == value.actor_id);
  CHECK(back.payload == value.payload);
  CHECK(back.extension == R"(,"x":1,"x":{"y":[1.0]})");
}

TEST_CASE("a payload that is not one JSON value is refused") {
  for (std::string payload : {"", " ", "{", "1 2", "nope", "\"\n\""}) {
    auto value = golden_v1();
    value.payload = payload;
    std::string out;
    auto outcome = append_json(out, value);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.reason().code == errc::invalid_argument);
  }
}

TEST_CASE("what can be written as an entry can be read as one, however deep its payload nests") {
  for (std::size_t depth : {9'998u, 9'999u, 10'000u, 10'001u}) {
    auto value = golden_v1();
    value.payload = std::string(depth, '[') + std::string(depth, ']');
    std::string out;
    INFO("depth " << depth);
    auto written = append_json(out, value);
    CHECK(written.ok() == (depth < 10'000));  // the entry itself is one level
    if (written.ok()) CHECK(parse_entry(out).ok());
  }
}

TEST_CASE(
    "keys are matched as the reference matches them, in any case and with the letters that fold "
    "into ASCII") {
  CHECK(parsed(R"({"PAYLOAD_ID":"x"})").payload_id == "x");
  CHECK(parsed(R"({"Idempotency_Key":"x"})").idempotency_key == "x");
  CHECK(parsed("{\"\u017fource\":\"x\"}").source == "x");
  CHECK(parsed("{\"idempotency_\u212aey\":\"x\"}").idempotency_key == "x");
  CHECK(parsed(R"({"\u017fubject":"x"})").subject == "x");
  CHECK(parsed(R"({"sourc\u0065":"x"})").source == "x");
  CHECK(parsed(R"({"PayLoad":[1]})").payload == "[1]");
  CHECK(parsed(R"({"Version":7})").version == 7);
  CHECK(parsed(R"({"sourc":"x"," source":"y","source ":"z"})").source.empty());
}

TEST_CASE("the last of two keys wins, and null changes nothing") {
  CHECK(parsed(R"({"source":"a","source":"b"})").source == "b");
  CHECK(parsed(R"({"source":"a","SOURCE":"b"})").source == "b");
  CHECK(parsed(R"({"source":"a","source":null})").source == "a");
  CHECK(parsed(R"({"version":3,"version":null})").version == 3);
  CHECK(parsed(R"({"timestamp":null})").timestamp == zero_timestamp);
  CHECK(parsed(R"({"payload":1,"payload":null})").payload == "null");
}

TEST_CASE("missing fields read as empty, and a top-level null as an entry without anything") {
  for (std::string json : {"{}", " null ", "\t{ }\n"}) {
    auto value = parsed(json);
    CHECK(value.version == 0);
    CHECK(value.status.empty());
    CHECK(value.payload_id.empty());
    CHECK(value.timestamp == zero_timestamp);
    CHECK(value.payload == "null");
    CHECK(value.extension.empty());
  }
}

TEST_CASE("version must be an integer literal") {
  CHECK(parsed(R"({"version":-1})").version == -1);
  CHECK(parsed(R"({"version":9223372036854775807})").version == 9223372036854775807);
  for (std::string literal :
       {"2.0", "1e0", "\"2\"", "true", "[]", "{}", "9223372036854775808", "1E1"}) {
    auto outcome = parse_entry("{\"version\":" + literal + "}");
    INFO(literal);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.reason().code == errc::corrupt);
  }
}

TEST_CASE("text fields must be strings, and timestamps RFC 3339") {
  for (std::string key : {"payload_id", "idempotency_key", "status", "timestamp", "source",
                          "destination", "subject", "actor_type", "actor_id"})
    for (std::string literal : {"1", "true", "[]", "{}"}) {
      INFO(key << " " << literal);
      CHECK_FALSE(parse_entry("{\"" + key + "\":" + literal + "}").ok());
    }
  for (std::string text :
       {"", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z"})
    CHECK_FALSE(parse_entry("{\"timestamp\":\"" + text + "\"}").ok());
  CHECK(parsed(R"({"timestamp":"2026-01-01T00:00:00,50+02:00"})").timestamp ==
        "2026-01-01T00:00:00.5+02:00");
}

TEST_CASE("what is not one JSON object is malformed, and the reason holds no contents") {
  for (std::string json :
       {"", "[]", "1", "\"secret\"", "{}{}", "{} secret", "{\"a\":secret}", "true"}) {
    INFO(json);
    auto outcome = parse_entry(json);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.reason().code == errc::corrupt);
    CHECK(outcome.reason().text.find("secret") == std::string::npos);
  }
}

TEST_CASE("unknown keys are kept in order, duplicates included, and written after the payload") {
  auto value = parsed(R"({"a" : 1, "payload":{}, "b\u0041":[ "<" ],"a":2,"status":"PENDING"})");
  CHECK(
      spelled(value) ==
      R"({"version":0,"payload_id":"","idempotency_key":"","status":"PENDING","timestamp":"0001-01-01T00:00:00Z",)"
      R"("source":"","destination":"","subject":"","actor_type":"","actor_id":"","payload":{},)"
      R"("a":1,"b\u0041":["\u003c"],"a":2})");
}

TEST_CASE("entry_type tells what kind of line it is and stays in the line") {
  auto value = parsed(R"({"entry_type":"status","payload":1})");
  CHECK(value.entry_type == "status");
  CHECK(spelled(value).find(R"(,"entry_type":"status")") != std::string::npos);
  CHECK(parsed(R"({"entry_type":null})").entry_type.empty());
}

TEST_CASE(
    "lone surrogates and bytes that are not UTF-8 become U+FFFD in text fields and stay in the "
    "payload") {
  auto value = parsed("{\"subject\":\"a\\ud800\xff\",\"payload\":\"\\ud800\xff\"}");
  CHECK(value.subject == "a\ufffd\ufffd");
  CHECK(value.payload == "\"\\ud800\xff\"");
}

TEST_CASE("status words are the reference's three and nothing else") {
  for (auto one : {status::pending, status::delivered, status::permanent_failure})
    CHECK(parse_status(to_string(one)) == one);
  for (std::string word : {"", "pending", "PENDING ", "STATUS", "Delivered"})
    CHECK_FALSE(parse_status(word));
}

TEST_CASE("a payload that its maker knows to be compact is not looked at again") {
  auto value = golden_v1();
  const auto checked = spelled(value);
  value.payload_is_compact = true;
  CHECK(spelled(value) == checked);
  value.payload = R"({"x": 1})";
  CHECK(spelled(value).find(R"({"x": 1})") != std::string::npos);
  value.payload_is_compact = false;
  CHECK(spelled(value) == checked);
}
