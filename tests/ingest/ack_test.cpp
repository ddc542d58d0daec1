// When a write is answered: once it is durable, or once it is delivered.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using core::delivery_state;
using test::fake_house;

namespace {

struct patient_house : fake_house {
  patient_house() {
    append_later = true;
    source().ack = config::ack_level::delivered;
    source().ack_timeout = std::chrono::milliseconds(1234);
    source().target_destinations = {"a", "b"};
    source().idempotency_enabled = true;
  }
  /// What is answered when the pipeline reports this.
  std::string body_for(const core::delivery_report& report, int status) {
    const auto answer = post("{}");
    appends.back().done({});
    CHECK_FALSE(answer->done());
    appends.back().wanted.value().done(report);
    CHECK(answer->status() == status);
    CHECK(answer->answers == 1);
    CHECK(answer->sent->content_type == "application/json");
    return answer->body();
  }
  std::string id() const { return appends.back().entry->payload_id; }
};

}  // namespace

TEST_CASE("a source that is content with durable entries wants no confirmation") {
  fake_house house;
  house.post("{}");
  CHECK_FALSE(house.appends.at(0).wanted);
}

TEST_CASE("a write that waits for its delivery is answered when all destinations have it") {
  patient_house house;
  const auto body =
      house.body_for({{"a", delivery_state::delivered}, {"b", delivery_state::delivered}}, 200);
  CHECK(body == "{\"payload_id\":\"" + house.id() + "\",\"status\":\"delivered\"}\n");
  CHECK(house.appends.at(0).wanted->timeout == std::chrono::milliseconds(1234));
  CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 1);
}

TEST_CASE("a write that is not delivered in time, or never, is durable, and says where") {
  patient_house house;
  const auto begin = [&] {
    return "{\"payload_id\":\"" + house.id() + "\",\"status\":\"durable\",\"destinations\":";
  };
  auto body =
      house.body_for({{"a", delivery_state::delivered}, {"b", delivery_state::pending}}, 202);
  CHECK(body == begin() + R"({"a":"delivered","b":"pending"},)"
                          R"("message":"the entry is durable; it will be delivered to: b"})"
                          "\n");
  body = house.body_for({{"a", delivery_state::failed}, {"b", delivery_state::delivered}}, 202);
  CHECK(body == begin() + R"({"a":"failed","b":"delivered"},"message":"the entry is durable; it )"
                          R"(has failed for good, and is a dead letter, at: a"})"
                          "\n");
  body = house.body_for({{"b", delivery_state::failed}}, 202);
  CHECK(body.starts_with(begin() + R"({"a":"pending","b":"failed"},)"));
  body = house.body_for({}, 202);
  CHECK(body.find("delivered to: a, b\"") != std::string::npos);
}

TEST_CASE("a failure of the log is answered at once, also to those who wait for the delivery") {
  patient_house house;
  const auto answer = house.post("{}", {{"Idempotency-Key", "k"}});
  house.appends.back().done(core::error{core::errc::wal_full, "full"});
  CHECK(answer->says("wal_full"));
  house.post("{}", {{"Idempotency-Key", "k"}});
  CHECK(house.appends.size() == 2);
}

TEST_CASE("an idempotency key is settled as soon as its entry is durable") {
  patient_house house;
  const auto first = house.post("{}", {{"Idempotency-Key", "k"}});
  const auto second = house.post("{}", {{"Idempotency-Key", "k"}});
  CHECK_FALSE(second->done());
  house.appends.at(0).done({});
  CHECK_FALSE(first->done());
  const std::string accepted = "{\"payload_id\":\"" + house.id() + "\",\"status\":\"accepted\"}\n";
  CHECK(second->body() == accepted);
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}})->body() == accepted);
  CHECK(house.appends.size() == 1);
  house.close_door();
  house.appends[0].wanted->done(
      {{"a", delivery_state::delivered}, {"b", delivery_state::delivered}});
  CHECK(first->status() == 200);
}
