// What is answered while the program starts and while it stops.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using ingest::door_phase;
using test::fake_house;

namespace {

void check_unavailable(const std::shared_ptr<test::reply>& answer, const std::string& code) {
  CHECK(answer->status() == 503);
  CHECK(answer->says(code));
  CHECK_FALSE(answer->header("Retry-After").empty());
}

std::shared_ptr<test::reply> post_as_admin(fake_house& house, const std::string& path) {
  return house.send(
      fake_house::make_request("POST", path, {{"Authorization", "Bearer key-of-admin"}}, ""));
}

}  // namespace

TEST_CASE("while the program starts only health is good, and nothing behind the door is asked") {
  fake_house house;
  house.door().enter(door_phase::starting);
  const auto write = house.post("{}");
  check_unavailable(write, "starting");
  CHECK(write->refused_early);
  check_unavailable(house.get("/query/sqlite", "default"), "starting");
  check_unavailable(house.get("/ready", ""), "starting");
  check_unavailable(house.get("/api/status", "admin"), "starting");
  check_unavailable(house.get("/api/dlq", "admin"), "starting");
  CHECK(house.get("/health", "")->status() == 200);
  CHECK(house.get("/openapi.json", "")->status() == 200);
  CHECK(house.get("/metrics", "admin")->status() == 200);
  CHECK(house.appends.empty());
  CHECK(house.queries.empty());
  CHECK(house.choices.empty());
  house.door().enter(door_phase::serving);
  CHECK(house.post("{}")->status() == 200);
  CHECK(house.get("/ready", "")->status() == 200);
}

TEST_CASE("a stop can be asked for while the program starts") {
  fake_house house;
  house.door().enter(door_phase::starting);
  CHECK(post_as_admin(house, "/api/shutdown")->status() == 202);
  CHECK(house.shutdowns == 1);
}

TEST_CASE("while the program stops no data is taken, and the admin may still look") {
  fake_house house;
  house.door().enter(door_phase::draining);
  check_unavailable(house.post("{}"), "draining");
  check_unavailable(house.get("/query/sqlite", "default"), "draining");
  check_unavailable(house.get("/ready", ""), "draining");
  CHECK(house.get("/health", "")->status() == 200);
  CHECK(house.get("/api/status", "admin")->status() == 200);
  CHECK(house.appends.empty());
}

TEST_CASE("a request that was admitted before the stop began is served") {
  fake_house house;
  auto request = fake_house::make_request("POST", "/inbound/default",
                                          {{"Authorization", "Bearer key-of-default"}}, "{}");
  auto decision = house.door().on_header(request);
  REQUIRE_FALSE(decision.refuse);
  house.door().enter(door_phase::draining);
  request.context = std::move(decision.context);
  int status = 0;
  house.door().on_request(std::move(request), [&](http::response sent) { status = sent.status; });
  CHECK(status == 200);
  CHECK(house.appends.size() == 1);
}

TEST_CASE("a wrong token is refused as such, whatever the program is doing") {
  fake_house house;
  house.door().enter(door_phase::starting);
  CHECK(house.get("/query/sqlite", "nobody")->status() == 401);
}
