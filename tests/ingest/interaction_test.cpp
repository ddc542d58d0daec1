// What the interaction log hears of a request.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string some_body = R"({"message":{"content":"c"}})";

struct audited_house : fake_house {
  audited_house() { audits = true; }

  const audit::record& only() const {
    REQUIRE(interactions.size() == 1);
    return interactions.front();
  }
};

}  // namespace

TEST_CASE("a write is recorded once it is answered, with the ids of what was stored") {
  audited_house house;
  house.append_later = true;
  const auto answer = house.post(some_body, {{"X-Subject", "sub"}, {"X-Actor-ID", "ann"}});
  CHECK(house.interactions.empty());
  house.steady += std::chrono::milliseconds(5);
  house.appends.front().done({});
  REQUIRE(answer->status() == 200);
  const auto& one = house.only();
  CHECK(one.operation == "write");
  CHECK(one.endpoint == "POST /inbound/{source}");
  CHECK(one.source == "default");
  CHECK(one.actor_type == "user");
  CHECK(one.actor_id == "ann");
  CHECK(one.subject == "sub");
  CHECK(one.destination == "sqlite");
  CHECK(one.policy_decision == "ALLOWED");
  CHECK(one.reason.empty());
  CHECK(one.status_code == 200);
  CHECK(one.latency_ms > 4.9);
  CHECK(one.latency_ms < 5.1);
  CHECK(one.ip == "192.0.2.1");
  CHECK(one.timestamp > core::time_point{});
  const auto& entry = *house.appends.front().entry;
  CHECK(one.payload_id == entry.payload_id);
  CHECK(entry.payload.find("\"request_id\":\"" + one.request_id + "\"") != std::string::npos);
  CHECK_FALSE(one.request_id.empty());
}

TEST_CASE("the client's own request id is recorded") {
  audited_house house;
  house.post(some_body, {{"X-Request-Id", "mine"}});
  CHECK(house.only().request_id == "mine");
  CHECK(house.appends.front().entry->payload.find(R"("request_id":"mine")") != std::string::npos);
}

TEST_CASE("what rights, policy and rate limit refuse is DENIED, with the code") {
  audited_house house;
  house.source().requests_per_minute = 1;
  house.settings.sources[1].can_write = false;
  house.post(some_body);
  house.post(some_body);
  house.send(fake_house::make_request("POST", "/inbound/other",
                                      {{"Authorization", "Bearer key-of-other"}}, some_body));
  house.send(fake_house::make_request("POST", "/inbound/default",
                                      {{"Authorization", "Bearer key-of-admin"}}, some_body));
  REQUIRE(house.interactions.size() == 4);
  CHECK(house.interactions[1].policy_decision == "DENIED");
  CHECK(house.interactions[1].reason == "rate_limit_exceeded");
  CHECK(house.interactions[1].status_code == 429);
  CHECK(house.interactions[1].payload_id.empty());
  CHECK(house.interactions[2].source == "other");
  CHECK(house.interactions[2].reason == "source_not_permitted_to_write");
  CHECK(house.interactions[2].policy_decision == "DENIED");
  CHECK(house.interactions[3].source == "_admin");
  CHECK(house.interactions[3].reason == "wrong_token_class");
}

TEST_CASE("a request that is wrong in itself is not DENIED, and its code is recorded") {
  audited_house house;
  house.post("{");
  CHECK(house.only().policy_decision == "ALLOWED");
  CHECK(house.only().reason == "invalid_json");
  CHECK(house.only().status_code == 400);
}

TEST_CASE("queries and the administrator's requests are recorded as such") {
  audited_house house;
  house.get("/query/sqlite", "default");
  house.get("/query/sqlite", "admin");
  house.get("/api/status", "admin");
  REQUIRE(house.interactions.size() == 3);
  CHECK(house.interactions[0].operation == "query");
  CHECK(house.interactions[0].endpoint == "GET /query/{destination}");
  CHECK(house.interactions[0].destination == "sqlite");
  CHECK(house.interactions[0].source == "default");
  CHECK(house.interactions[1].source == "_admin");
  CHECK(house.interactions[2].operation == "admin");
  CHECK(house.interactions[2].endpoint == "GET /api/status");
}

TEST_CASE("strangers, and what anybody may ask, are not recorded") {
  audited_house house;
  house.get("/health", "");
  house.get("/ready", "admin");
  house.get("/nowhere", "admin");
  house.get("/query/sqlite", "");
  house.get("/query/sqlite", "nobody");
  CHECK(house.interactions.empty());
}
