#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

TEST_CASE("health says ok and the version even when the log is unhealthy") {
  fake_house house;
  house.state.wal_healthy = false;
  const auto answer = house.get("/health", "");
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "{\"status\":\"ok\",\"version\":\"1.2.3\"}\n");
}

TEST_CASE("readiness follows the log first, then the destinations, and recovers") {
  fake_house house;
  house.state.destinations.resize(2);
  CHECK(house.get("/ready", "")->body() == "{\"status\":\"ready\",\"version\":\"1.2.3\"}\n");
  house.state.destinations[1].healthy = false;
  CHECK(house.get("/ready", "")->status() == 503);
  CHECK(house.get("/ready", "")->says("destination_unavailable"));
  house.state.wal_healthy = false;
  CHECK(house.get("/ready", "")->says("wal_unhealthy"));
  house.state.wal_healthy = true;
  house.state.destinations[1].healthy = true;
  CHECK(house.get("/ready", "")->status() == 200);
}

TEST_CASE("the status has its keys sorted and tells the state of log and destinations") {
  fake_house house;
  house.state.pending_entries = 7;
  house.state.pending_bytes = 700;
  house.state.unclaimed = {{"gone \"x\"", 6}};
  house.state.queue_depth = 3;
  house.state.memories_total = 42;
  house.state.current_segment = "wal-1.jsonl";
  house.state.oldest_pending_seconds = 1.5;
  house.state.dead_letters = 11;
  house.state.malformed_lines = 12;
  house.state.quarantined_lines = 13;
  house.state.sentinel_failures = 14;
  house.state.undecodable_lines = 15;
  house.state.destinations = {{.name = "sqlite",
                               .type = "sqlite",
                               .healthy = false,
                               .state = "waiting",
                               .breaker = "half_open",
                               .last_error = "locked",
                               .queued = 3,
                               .pending = 5,
                               .oldest_pending_seconds = 2.5,
                               .attempts = 44,
                               .delivered = 42,
                               .failed = 1,
                               .restarts = 2}};
  house.door();
  house.steady += std::chrono::seconds(90);
  const auto answer = house.get("/api/status", "admin");
  REQUIRE(answer->status() == 200);
  auto body = answer->body();
  const auto pid = body.find("\"pid\":");
  REQUIRE(pid != std::string::npos);
  body.erase(pid, body.find(',', pid) + 1 - pid);
  CHECK(
      body ==
      R"({"bind":"127.0.0.1:8080","consistency_score":-1,"destinations":[{"attempts":44,)"
      R"("breaker":"half_open","delivered":42,"failed":1,"healthy":false,"last_error":"locked",)"
      R"("name":"sqlite","oldest_pending_seconds":2.5,"pending":5,"queued":3,"restarts":2,)"
      R"("state":"waiting","type":"sqlite"}],)"
      R"("draining":false,"memories_total":42,"queue_depth":3,"sources_total":2,)"
      R"("uptime_seconds":90,"version":"1.2.3","wal":{"crc_failures":0,)"
      R"("current_segment":"wal-1.jsonl","dead_letters":11,"error":"","healthy":true,)"
      R"("integrity_failures":0,"integrity_mode":"crc32","malformed_lines":12,)"
      R"("oldest_pending_seconds":1.5,"pending_bytes":700,"pending_entries":7,"permanent_failures":0,)"
      R"("quarantined_lines":13,"sentinel_failures":14,"torn_lines":0,"unclaimed":{"gone \"x\"":6},)"
      R"("undecodable_lines":15}})"
      "\n");
  CHECK(house.count("bubblefish_admin_calls_total", {{"endpoint", "/api/status"}}) == 1);
}

TEST_CASE("a stop is answered before it begins, and only to the admin") {
  fake_house house;
  const auto post = [&](const std::string& token) {
    return house.send(fake_house::make_request("POST", "/api/shutdown",
                                               {{"authorization", "Bearer " + token}}, ""));
  };
  CHECK(post("key-of-default")->status() == 401);
  CHECK(house.shutdowns == 0);
  const auto answer = post("key-of-admin");
  CHECK(answer->status() == 202);
  CHECK(answer->body() == "{\"status\":\"shutting_down\"}\n");
  CHECK(house.shutdowns == 1);
}

TEST_CASE("the metrics page is text and shows what the door counted") {
  fake_house house;
  REQUIRE(house.post("{}")->status() == 200);
  const auto answer = house.get("/metrics", "admin");
  CHECK(answer->sent->content_type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer->body().find("bubblefish_throughput_per_source_total{source=\"default\"} 1\n") !=
        std::string::npos);
  CHECK(answer->body().find(
            "bubblefish_payload_processing_latency_seconds_count{source=\"default\"} 1\n") !=
        std::string::npos);
}

TEST_CASE("a path or method that is not known is refused before the token is looked at") {
  fake_house house;
  CHECK(house.get("/", "")->status() == 404);
  CHECK(house.get("/inbound/default", "")->status() == 405);
  CHECK(house.count("bubblefish_auth_failures_total", {{"source", "unknown"}}) == 0);
}
