#include "ingest/destinations.hpp"

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

auto post(fake_house& house, const std::string& path, const std::string& who = "admin") {
  return house.send(
      fake_house::make_request("POST", path, {{"Authorization", "Bearer key-of-" + who}}, ""));
}

ingest::destination_state paused_one() {
  ingest::destination_state one;
  one.name = "a/b";
  one.type = "sqlite";
  one.state = "paused";
  one.breaker = "closed";
  one.pending = 4;
  return one;
}

const std::string paused_json =
    R"({"attempts":0,"breaker":"closed","delivered":0,"failed":0,"healthy":true,"last_error":"",)"
    R"("name":"a/b","oldest_pending_seconds":0,"pending":4,"queued":0,"restarts":0,)"
    R"("state":"paused","type":"sqlite"})";

}  // namespace

TEST_CASE("destinations are listed as the status lists them") {
  fake_house house;
  CHECK(house.get("/api/destinations", "admin")->body() == "[]\n");
  house.state.destinations = {paused_one(), paused_one()};
  const auto answer = house.get("/api/destinations", "admin");
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "[" + paused_json + "," + paused_json + "]\n");
  CHECK(house.get("/api/status", "admin")->body().find(paused_json) != std::string::npos);
}

TEST_CASE("pausing and resuming answer with the state that follows") {
  fake_house house;
  house.switched = paused_one();
  const auto answer = post(house, "/api/destinations/a%2Fb/pause");
  CHECK(answer->status() == 200);
  CHECK(answer->body() == paused_json + "\n");
  CHECK(post(house, "/api/destinations/a%2Fb/resume")->status() == 200);
  CHECK(house.switches == std::vector<std::string>{"pause a/b", "resume a/b"});
  CHECK(house.count("bubblefish_admin_calls_total",
                    {{"endpoint", "/api/destinations/{name}/pause"}}) == 1);
}

TEST_CASE("only the admin pauses destinations, and only those that there are") {
  fake_house house;
  CHECK(post(house, "/api/destinations/sqlite/pause", "default")->status() == 401);
  CHECK(house.get("/api/destinations", "default")->status() == 401);
  CHECK(house.switches.empty());
  house.switched = core::error{core::errc::not_found, "there is no destination x"};
  const auto unknown = post(house, "/api/destinations/x/pause");
  CHECK(unknown->status() == 404);
  CHECK(unknown->says("destination_not_found"));
  house.switched = core::error{core::errc::closed, "stopping"};
  CHECK(post(house, "/api/destinations/x/resume")->status() == 503);
  house.switched = core::error{core::errc::io_failed, "/secret/path: disk"};
  const auto failed = post(house, "/api/destinations/x/resume");
  CHECK(failed->status() == 500);
  CHECK(failed->body().find("/secret/path") == std::string::npos);
  CHECK(house.log->text().find("/secret/path: disk") != std::string::npos);
}
