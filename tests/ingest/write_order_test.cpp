// In which order a write is checked: the earlier failure wins when several apply.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

TEST_CASE("the checks of a write's header come in order, and before the body") {
  fake_house house;
  auto& source = house.source();
  source.can_write = false;
  source.policy.allowed_destinations = {"elsewhere"};
  const auto post = [&](const std::string& path) {
    fake_house fresh;
    fresh.settings = house.settings;
    const auto answer = fresh.send(fake_house::make_request(
        "POST", path, {{"Authorization", "Bearer key-of-default"}, {"Content-Type", "text/plain"}},
        "not json"));
    CHECK(answer->refused_early);
    CHECK(fresh.appends.empty());
    return answer;
  };
  CHECK(post("/inbound/other")->says("source_not_permitted_to_write"));
  CHECK(post("/inbound/other")->status() == 403);
  source.can_write = true;
  CHECK(post("/inbound/other")->says("source_mismatch"));
  CHECK(post("/inbound/other")->status() == 403);
  CHECK(post("/inbound/default")->says("policy_denied"));
  CHECK(post("/inbound/default")->status() == 403);
  source.policy.allowed_destinations = {"sqlite"};
  source.policy.allowed_operations = {"read"};
  CHECK(post("/inbound/default")->says("policy_denied"));
  source.policy.allowed_operations = {};
  CHECK(post("/inbound/default")->says("unsupported_media_type"));
  CHECK(post("/inbound/default")->status() == 415);
}

TEST_CASE("writes of which a few bytes may be many entries are heavy") {
  fake_house house;
  const auto is_heavy = [&](const std::string& path, const std::string& type) {
    const auto answer = house.send(fake_house::make_request(
        "POST", path, {{"Authorization", "Bearer key-of-default"}, {"Content-Type", type}}, "1"));
    CHECK_FALSE(answer->refused_early);
    return answer->heavy;
  };
  CHECK(is_heavy("/inbound/default/batch", "application/x-ndjson"));
  CHECK(is_heavy("/v1/memories", "application/json"));
  CHECK(is_heavy("/v1/logs", "application/json"));
  CHECK(is_heavy("/events", "application/cloudevents-batch+json"));
  CHECK_FALSE(is_heavy("/events", "application/cloudevents+json"));
  CHECK_FALSE(is_heavy("/inbound/default", "application/json"));
}

TEST_CASE("a refusal by policy is counted with its reason") {
  fake_house house;
  house.source().policy.allowed_operations = {"read"};
  house.post("{}");
  CHECK(house.count("bubblefish_policy_denials_total",
                    {{"source", "default"},
                     {"reason", "the source's policy does not allow the operation write"}}) == 1);
}

TEST_CASE("a bad body is refused before the rate limit is spent") {
  fake_house house;
  house.source().requests_per_minute = 1;
  CHECK(house.post("{")->says("invalid_json"));
  CHECK(house.post("{}")->status() == 200);
  CHECK(house.post("{")->says("invalid_json"));
  CHECK(house.post("{}")->says("rate_limit_exceeded"));
}

TEST_CASE("a known idempotency key is answered before the rate limit, and not counted by it") {
  fake_house house;
  house.source().requests_per_minute = 1;
  house.source().idempotency_enabled = true;
  const auto first = house.post("{}", {{"Idempotency-Key", "k"}});
  REQUIRE(first->status() == 200);
  const auto again = house.post("{\"other\":\"body\"}", {{"Idempotency-Key", "k"}});
  CHECK(again->status() == 200);
  CHECK(again->body() == first->body());
  const auto fresh = house.post("{}", {{"Idempotency-Key", "k2"}});
  CHECK(fresh->status() == 429);
  CHECK(fresh->says("rate_limit_exceeded"));
  CHECK(fresh->header("Retry-After") == "60");
  CHECK(fresh->body().find("\"retry_after_seconds\":60,") != std::string::npos);
  CHECK(house.appends.size() == 1);
  CHECK(house.count("bubblefish_rate_limit_hits_total", {{"source", "default"}}) == 1);
}

TEST_CASE("a known idempotency key does not excuse a bad body") {
  fake_house house;
  house.source().idempotency_enabled = true;
  REQUIRE(house.post("{}", {{"Idempotency-Key", "k"}})->status() == 200);
  CHECK(house.post("", {{"Idempotency-Key", "k"}})->says("invalid_json"));
}

TEST_CASE("a wrong actor type is found after the rate limit, and has spent it") {
  fake_house house;
  house.source().requests_per_minute = 1;
  CHECK(house.post("{}", {{"X-Actor-Type", "robot"}})->says("invalid_actor_type"));
  CHECK(house.post("{}", {{"X-Actor-Type", "robot"}})->says("rate_limit_exceeded"));
  CHECK(house.appends.empty());
}

TEST_CASE("the actor type is checked before the classification tier") {
  fake_house house;
  CHECK(house.post("{}", {{"X-Actor-Type", "robot"}, {"X-Classification-Tier", "cosmic"}})
            ->says("invalid_actor_type"));
}
