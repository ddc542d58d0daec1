// Records as JSON and as CSV, and which of them a filter lets through.
#include "audit/record.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;

namespace {

audit::record some_record() {
  audit::record one;
  one.record_id = "r1";
  one.timestamp = *core::parse_timestamp("2026-01-01T00:00:00.5Z");
  one.request_id = "host/abc-1";
  one.operation = "write";
  one.endpoint = "POST /inbound/{source}";
  one.source = "chat";
  one.actor_type = "user";
  one.actor_id = "ann, \"the\" <boss>";
  one.subject = "s";
  one.destination = "a,b";
  one.payload_id = "p1";
  one.policy_decision = "ALLOWED";
  one.status_code = 200;
  one.latency_ms = 1.25;
  one.ip = "192.0.2.1";
  return one;
}

}  // namespace

TEST_CASE("a record is a JSON object with all of its members, and is read back from it") {
  std::string json;
  append_json(json, some_record());
  CHECK(json ==
        R"({"record_id":"r1","timestamp":"2026-01-01T00:00:00.5Z","request_id":"host/abc-1",)"
        R"("operation":"write","endpoint":"POST /inbound/{source}","source":"chat",)"
        R"("actor_type":"user","actor_id":"ann, \"the\" \u003cboss\u003e","subject":"s",)"
        R"("destination":"a,b","payload_id":"p1","policy_decision":"ALLOWED","reason":"",)"
        R"("ip":"192.0.2.1","status_code":200,"latency_ms":1.250})");
  const auto parsed = audit::parse_record(json);
  REQUIRE(parsed);
  REQUIRE(*parsed);
  std::string again;
  append_json(again, **parsed);
  CHECK(again == json);
}

TEST_CASE("a marker is no record, and what is no object is an error") {
  const auto marker = audit::parse_record(R"({"record_type":"rotation_marker","file":"x"})");
  REQUIRE(marker);
  CHECK_FALSE(marker->has_value());
  CHECK_FALSE(audit::parse_record("[]"));
  CHECK_FALSE(audit::parse_record(R"({"timestamp":"yesterday"})"));
  CHECK_FALSE(audit::parse_record(R"({"status_code":"200"})"));
}

TEST_CASE("a row of CSV quotes what must be quoted") {
  std::string row;
  append_csv(row, some_record());
  CHECK(row ==
        "r1,2026-01-01T00:00:00.5Z,host/abc-1,write,POST /inbound/{source},chat,user,"
        "\"ann, \"\"the\"\" <boss>\",s,\"a,b\",p1,ALLOWED,,192.0.2.1,200,1.250\r\n");
  CHECK(audit::csv_header() ==
        "record_id,timestamp,request_id,operation,endpoint,source,actor_type,actor_id,subject,"
        "destination,payload_id,policy_decision,reason,ip,status_code,latency_ms\r\n");
}

TEST_CASE("a filter lets through what fits in every respect") {
  const auto one = some_record();
  CHECK(audit::filter().fits(one));
  audit::filter all;
  all.source = "chat";
  all.actor_type = "user";
  all.actor_id = one.actor_id;
  all.operation = "write";
  all.policy_decision = "ALLOWED";
  all.subject = "s";
  all.destination = "a,b";
  all.after = one.timestamp - std::chrono::nanoseconds(1);
  all.before = one.timestamp + std::chrono::nanoseconds(1);
  CHECK(all.fits(one));
  for (auto member : {&audit::filter::source, &audit::filter::actor_type, &audit::filter::actor_id,
                      &audit::filter::operation, &audit::filter::policy_decision,
                      &audit::filter::subject, &audit::filter::destination}) {
    audit::filter other = all;
    other.*member = "x";
    CHECK_FALSE(other.fits(one));
  }
  all.after = one.timestamp;
  CHECK_FALSE(all.fits(one));
  all.after.reset();
  all.before = one.timestamp;
  CHECK_FALSE(all.fits(one));
}
