#include "ingest/consistency.hpp"

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

auto check(fake_house& house, const std::string& body, const std::string& who = "admin") {
  return house.send(fake_house::make_request("POST", "/api/consistency",
                                             {{"Authorization", "Bearer key-of-" + who}}, body));
}

}  // namespace

TEST_CASE("the report of a consistency check names score, misses and what was left out") {
  fake_house house;
  ingest::consistency_report report;
  report.destinations = {{"a", 20, 15, {"p1", "p\"2"}, ""}, {"b", 0, 0, {}, "it cannot say"}};
  report.redelivered = 5;
  house.consistency = report;
  const auto answer = check(house, "");
  CHECK(answer->status() == 200);
  CHECK(answer->body() ==
        R"({"destinations":[{"found":15,"looked_up":20,"missing":["p1","p\"2"],"missing_total":5,)"
        R"("name":"a","score":0.75,"skipped":""},{"found":0,"looked_up":0,"missing":[],)"
        R"("missing_total":0,"name":"b","score":1,"skipped":"it cannot say"}],"redelivered":5,)"
        R"("score":0.75})"
        "\n");
}

TEST_CASE("a consistency check is what its body asks for") {
  fake_house house;
  check(house, "");
  check(house, R"({"sample":7,"destination":"a"})");
  check(house, R"({"all":true,"redeliver":true})");
  REQUIRE(house.checks.size() == 3);
  CHECK(house.checks[0].sample == 100);
  CHECK_FALSE(house.checks[0].all);
  CHECK_FALSE(house.checks[0].redeliver);
  CHECK(house.checks[1].sample == 7);
  CHECK(house.checks[1].destination == "a");
  CHECK(house.checks[2].all);
  CHECK(house.checks[2].redeliver);
}

TEST_CASE("a consistency check that is not clear, or not the admin's, is refused") {
  fake_house house;
  for (const std::string body :
       {"{", "[]", R"({"sample":0})", R"({"sample":-1})", R"({"sample":1.5})", R"({"sample":"7"})",
        R"({"sample":1000000000})", R"({"all":1})", R"({"redeliver":"yes"})",
        R"({"destination":7})", R"({"sample":5,"all":true})", R"({"everything":true})"}) {
    CAPTURE(body);
    CHECK(check(house, body)->status() == 400);
  }
  CHECK(check(house, "", "default")->status() == 401);
  CHECK(house.checks.empty());
  house.consistency = core::error{core::errc::not_found, "there is no destination x"};
  CHECK(check(house, R"({"destination":"x"})")->status() == 404);
}
