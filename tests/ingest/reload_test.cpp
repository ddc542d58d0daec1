// POST /api/reload
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

std::shared_ptr<test::reply> reload(fake_house& house, const std::string& who) {
  return house.send(fake_house::make_request("POST", "/api/reload",
                                             {{"Authorization", "Bearer key-of-" + who}}, ""));
}

}  // namespace

TEST_CASE("the admin has the configuration read again and is told what has changed") {
  fake_house house;
  house.reloaded = ingest::reload_report{{"source a: added"}, {"daemon.port: a \"note\""}};
  const auto answer = reload(house, "admin");
  CHECK(answer->status() == 200);
  CHECK(answer->body() ==
        "{\"status\":\"reloaded\",\"changes\":[\"source a: added\"],"
        "\"notes\":[\"daemon.port: a \\\"note\\\"\"]}\n");
  CHECK(house.reloads == 1);
}

TEST_CASE("a configuration that is wrong is answered with all findings") {
  fake_house house;
  house.reloaded = core::error{core::errc::bad_config, "a.toml:1:2: error: x\nb.toml: error: y"};
  const auto answer = reload(house, "admin");
  CHECK(answer->status() == 422);
  CHECK(answer->says("config_invalid"));
  CHECK(answer->body().find("\"findings\":[\"a.toml:1:2: error: x\",\"b.toml: error: y\"]") !=
        std::string::npos);
}

TEST_CASE("a source may not have the configuration read again, and a stop is no fault of it") {
  fake_house house;
  CHECK(reload(house, "default")->says("wrong_token_class"));
  CHECK(house.reloads == 0);
  house.reloaded = core::error{core::errc::closed, "the program is stopping"};
  CHECK(reload(house, "admin")->status() == 503);
}
