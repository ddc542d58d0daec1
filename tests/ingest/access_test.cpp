// Refusals and the use of the admin token: counted, and recorded as security events.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

/// The events by now, as an operator reads them.
std::string events(fake_house& house, const std::string& query = "") {
  return house.get("/api/security/events", "admin", query)->body();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::shared_ptr<test::reply> write_with(fake_house& house, const std::string& token) {
  return house.send(fake_house::make_request(
      "POST", "/inbound/default", {{"Authorization", "Bearer " + token}, {"X-Request-Id", "r-1"}},
      "{}"));
}

}  // namespace

TEST_CASE("the MCP key is told apart from an unknown one, and opens nothing") {
  fake_house house;
  house.settings.mcp.api_key = config::secret("key-of-mcp");
  CHECK(house.get("/query/sqlite", "mcp")->says("wrong_token_class"));
  CHECK(write_with(house, "key-of-mcp")->says("wrong_token_class"));
  CHECK(has(events(house), "token_class: mcp"));
  const auto admin = house.get("/api/status", "mcp");
  CHECK(admin->status() == 401);
  CHECK(admin->says("wrong_token_class"));
  CHECK(has(events(house), "token_class: wrong_token_class"));
}

TEST_CASE("without an MCP key its place opens to nobody") {
  fake_house house;
  CHECK(house.get("/query/sqlite", "mcp")->says("unauthorized"));
  CHECK(house.get("/query/sqlite", "default")->status() == 200);
}

TEST_CASE("of keys that are the same the source's comes first, then the admin's, then MCP's") {
  fake_house house;
  house.settings.mcp.api_key = config::secret("key-of-admin");
  CHECK(house.get("/api/status", "admin")->status() == 200);
  fake_house other;
  other.settings.mcp.api_key = config::secret("key-of-default");
  CHECK(other.get("/query/sqlite", "default")->status() == 200);
}

TEST_CASE("each of a source's keys opens the door, among very many sources") {
  fake_house house;
  for (int i = 0; i < 10'000; ++i)
    house.settings.sources.push_back(test::make_source("s" + std::to_string(i)));
  house.source(5'000).api_keys.emplace_back("a-second-key");
  const ingest::authenticator auth(house.settings);
  CHECK(auth.recognise("Bearer key-of-s9999").source == 10'001);
  CHECK(auth.recognise("Bearer a-second-key").source == 5'000);
  CHECK(auth.recognise("Bearer key-of-s4998").source == 5'000);
  CHECK(auth.recognise("Bearer key-of-s10000").kind == ingest::token_class::unknown);
  CHECK(auth.source_named("s9999") == std::size_t{10'001});
  CHECK_FALSE(auth.source_named("nobody"));
}

TEST_CASE("a refused token is an event that says where it came from, and never the token") {
  fake_house house;
  house.settings.trusted_proxy_cidrs = {"192.0.2.0/24"};
  house.settings.forwarded_headers = {"X-Forwarded-For"};
  house.send(fake_house::make_request("POST", "/inbound/default",
                                      {{"Authorization", "Bearer guessed-secret"},
                                       {"X-Request-Id", "r-7"},
                                       {"X-Forwarded-For", "203.0.113.9"}},
                                      "{}"));
  const auto body = events(house);
  CHECK(has(body, R"("kind":"auth_failure","source":"unknown","severity":"warn")"));
  CHECK(has(body, "from 203.0.113.9, on /inbound/default, request_id: r-7, token_class: unknown"));
  CHECK_FALSE(has(body, "guessed-secret"));
  house.get("/query/sqlite", "");
  CHECK(has(events(house), "token_class: missing"));
}

TEST_CASE("the use of the admin token is an event") {
  fake_house house;
  house.get("/api/status", "admin", "", {{"User-Agent", "curl/8"}, {"X-Request-Id", "r-2"}});
  CHECK(has(events(house), R"("kind":"admin_access","source":"","severity":"info",)"
                           R"("message":"from 192.0.2.1, on /api/status, request_id: r-2, )"
                           R"(user_agent: curl/8")"));
  CHECK(house.count("bubblefish_admin_calls_total", {{"endpoint", "/api/status"}}) == 1);
}

TEST_CASE("what a policy refuses is an event, for writes and for queries") {
  fake_house house;
  house.source().policy.allowed_destinations = {"elsewhere"};
  CHECK(house.post("{}")->says("policy_denied"));
  CHECK(house.get("/query/sqlite", "default")->says("destination_not_allowed"));
  const auto body = events(house);
  CHECK(has(body, R"("kind":"policy_denied","source":"default","severity":"warn")"));
  CHECK(has(body, "operation: write"));
  CHECK(has(body, "operation: read"));
  CHECK(has(body, "destination: sqlite"));
  CHECK(has(body, "subject: default-space"));
}

TEST_CASE("a request over the rate limit is an event, and says how long to wait") {
  fake_house house;
  house.source().requests_per_minute = 1;
  CHECK(house.post("{}")->status() == 200);
  const auto refused = house.post("{}");
  CHECK(refused->status() == 429);
  CHECK(refused->says("rate_limit_exceeded"));
  CHECK(refused->header("Retry-After") == "60");
  CHECK(has(refused->body(), "\"retry_after_seconds\":60,\"details\":{}"));
  CHECK(has(events(house), "requests_per_minute: 1"));
  CHECK(house.count("bubblefish_rate_limit_hits_total", {{"source", "default"}}) == 1);
}

TEST_CASE("without a limit in the file all sources together have none") {
  fake_house house;
  house.settings.global_requests_per_minute = 1;
  for (int i = 0; i < 5; ++i) CHECK(house.post("{}")->status() == 200);
}

TEST_CASE("a limit for all sources together holds for all of them, but not for the admin") {
  fake_house house;
  house.settings.limit_of_all_sources = 3;
  CHECK(house.post("{}")->status() == 200);
  CHECK(house.get("/query/sqlite", "other")->status() == 200);
  CHECK(house.get("/query/sqlite", "default")->status() == 200);
  const auto refused = house.get("/query/sqlite", "other");
  CHECK(refused->status() == 429);
  CHECK(refused->header("Retry-After") == "60");
  CHECK(has(refused->body(), "all sources together"));
  CHECK(house.post("{}")->status() == 429);
  CHECK(house.get("/query/sqlite", "admin")->status() == 200);
  house.steady += std::chrono::seconds(60);
  CHECK(house.post("{}")->status() == 200);
}

TEST_CASE("a source over its own limit takes nothing from the limit of all") {
  fake_house house;
  house.settings.limit_of_all_sources = 2;
  house.source().requests_per_minute = 1;
  CHECK(house.post("{}")->status() == 200);
  for (int i = 0; i < 5; ++i) CHECK(house.post("{}")->status() == 429);
  CHECK(house.get("/query/sqlite", "other")->status() == 200);
}

TEST_CASE("the summary counts what has happened since the start") {
  fake_house house;
  house.source().requests_per_minute = 1;
  house.source(1).policy.allowed_operations = {"write"};
  house.post("{}");
  house.post("{}");
  house.get("/query/sqlite", "other");
  house.get("/query/sqlite", "nobody");
  house.get("/api/status", "admin");
  CHECK(house.get("/api/security/summary", "admin")->body() ==
        R"({"auth_failures_total":1,"policy_denials_total":1,"rate_limit_hits_total":1,)"
        R"("admin_calls_total":2,"by_source":{"default":1,"other":1,"unknown":1}})"
        "\n");
}

TEST_CASE("events come newest first, as many as are asked for, and only to the admin") {
  fake_house house;
  for (int i = 0; i < 150; ++i) house.get("/query/sqlite", "nobody");
  const auto count = [](const std::string& text) {
    std::size_t found = 0;
    for (auto at = text.find("\"ts\":"); at != std::string::npos; at = text.find("\"ts\":", at + 1))
      ++found;
    return found;
  };
  CHECK(count(events(house)) == 100);
  CHECK(count(events(house, "limit=7")) == 7);
  CHECK(count(events(house, "limit=0")) == 100);
  CHECK(count(events(house, "limit=many")) == 100);
  CHECK(count(events(house, "limit=5000")) == 155);
  CHECK(events(house, "limit=1").find("admin_access") < events(house, "limit=9").size());
  CHECK(has(events(house), "security_events.enabled is false"));
  CHECK(house.get("/api/security/events", "default")->says("wrong_token_class"));
  CHECK(house.get("/api/security/summary", "")->says("unauthorized"));
}
