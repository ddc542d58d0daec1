// The short way to an entry must lead to the same entry as the long one.
#include "wal/entry_head.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus;

namespace {

/// A line's JSON in our own spelling, with this timestamp and this end.
std::string own_spelling(const std::string& timestamp, const std::string& end) {
  return R"({"version":2,"payload_id":"p","idempotency_key":"k","status":"PENDING","timestamp":")" +
         timestamp +
         R"(","source":"s","destination":"d","subject":"u","actor_type":"t","actor_id":"a")" + end;
}

void check_same(const core::entry& a, const core::entry& b) {
  CHECK(a.version == b.version);
  CHECK(a.payload_id == b.payload_id);
  CHECK(a.idempotency_key == b.idempotency_key);
  CHECK(a.status == b.status);
  CHECK(a.timestamp == b.timestamp);
  CHECK(a.source == b.source);
  CHECK(a.destination == b.destination);
  CHECK(a.subject == b.subject);
  CHECK(a.actor_type == b.actor_type);
  CHECK(a.actor_id == b.actor_id);
  CHECK(a.payload == b.payload);
  CHECK(a.extension == b.extension);
  CHECK(a.entry_type == b.entry_type);
}

}  // namespace

TEST_CASE("a head that was read stands for the same entry as parsing the line") {
  core::entry used;
  used.extension = R"(,"entry_type":"left over")";
  used.entry_type = "left over";
  used.version = 7;
  for (const std::string timestamp :
       {"2026-01-01T00:00:00Z", "2026-01-01T00:00:00.120Z", "2026-01-01T00:00:00+00:00",
        "2026-01-01T9:00:00,5+02:00", "2106-01-01T00:00:00.000000001Z"})
    for (const std::string payload :
         {"null", "1.0", R"("<\u0000é")", R"({"a":{"b":[1, 2]}})", "[]", R"({"payload":1})"}) {
      const auto json = own_spelling(timestamp, R"(,"payload":)" + payload + "}");
      INFO(json);
      auto head = wal::read_head(json);
      REQUIRE(head);
      auto parsed = core::parse_entry(json);
      REQUIRE(parsed.ok());
      wal::assign(used, *head);
      check_same(used, *parsed);
      CHECK(wal::head_of(*parsed).seconds == head->seconds);
    }
}

TEST_CASE("what a head could not stand for is left to parsing") {
  const std::string now = "2026-01-01T00:00:00Z";
  for (const std::string end :
       {R"(,"payload": 1})", R"(,"payload":1 })", R"(,"payload":1} )", R"(,"payload":})",
        R"(,"payload":1,"more":2})", R"(,"payload":1}})", R"(,"payload":{1})", R"(,"payload":1)",
        R"(,"PAYLOAD":1})", R"(,"subject":"v","payload":1})"}) {
    INFO(end);
    CHECK_FALSE(wal::read_head(own_spelling(now, end)));
  }
  CHECK_FALSE(wal::read_head(own_spelling("yesterday", R"(,"payload":1})")));
  CHECK_FALSE(wal::read_head(own_spelling("2026-01-01T00:00:00\\u005a", R"(,"payload":1})")));
}

TEST_CASE("of a line that is known only what stands before the payload is looked at") {
  const std::string now = "2026-01-01T00:00:00Z";
  for (const std::string end : {R"(,"payload":1})", R"(,"payload":1,"more":2})"}) {
    const auto json = own_spelling(now, end);
    const auto head = wal::read_head(json, wal::json_check::head);
    REQUIRE(head);
    const auto parsed = core::parse_entry(json);
    REQUIRE(parsed.ok());
    CHECK(head->name.payload_id == parsed->payload_id);
    CHECK(head->name.destination == parsed->destination);
    CHECK(head->status == parsed->status);
    CHECK(head->payload.empty());
  }
  for (const std::string end : {R"(,"payload":1)", R"(,"PAYLOAD":1})"})
    CHECK_FALSE(wal::read_head(own_spelling(now, end), wal::json_check::head));
}
