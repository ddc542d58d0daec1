#include "ingest/dead_letters.hpp"

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

ingest::dead_letter make_letter() {
  ingest::dead_letter one;
  one.entry.payload_id = "p1";
  one.entry.source = "default";
  one.entry.destination = "sqlite";
  one.entry.timestamp = "2026-01-01T00:00:00Z";
  one.entry.subject = "x";
  one.entry.payload = R"({"content":"a"})";
  one.failed_at = "2026-01-02T00:00:00Z";
  one.reason = "a \"bad\" row";
  return one;
}

auto post(fake_house& house, const std::string& path, const std::string& body,
          const std::string& who = "admin") {
  return house.send(
      fake_house::make_request("POST", path, {{"Authorization", "Bearer key-of-" + who}}, body));
}

}  // namespace

TEST_CASE("dead letters are listed without their payloads") {
  fake_house house;
  house.dead_letters = ingest::dead_letter_page{{make_letter(), make_letter()}, 7};
  const auto answer = house.get("/api/dlq", "admin", "limit=2&destination=sqlite&source=default");
  CHECK(answer->status() == 200);
  const std::string one =
      R"({"destination":"sqlite","failed_at":"2026-01-02T00:00:00Z","payload_id":"p1",)"
      R"("reason":"a \"bad\" row","source":"default"})";
  CHECK(answer->body() == "{\"dead_letters\":[" + one + "," + one + "],\"total\":7}\n");
  REQUIRE(house.choices.size() == 1);
  const auto& asked = house.choices[0].second;
  CHECK(asked.limit == 2);
  CHECK(asked.destination == "sqlite");
  CHECK(asked.source == "default");
  CHECK_FALSE(asked.with_payloads);
}

TEST_CASE("the number of dead letters in one answer is bounded") {
  fake_house house;
  for (const std::string query : {"", "limit=x", "limit=0", "limit=-1", "limit=5000"})
    house.get("/api/dlq", "admin", query);
  REQUIRE(house.choices.size() == 5);
  for (std::size_t i = 0; i < 4; ++i) CHECK(house.choices[i].second.limit == 100);
  CHECK(house.choices[4].second.limit == 1000);
}

TEST_CASE("one dead letter is shown whole, an unknown one is not found") {
  fake_house house;
  CHECK(house.get("/api/dlq/p1", "admin")->status() == 404);
  CHECK(house.get("/api/dlq/p1", "admin")->says("dead_letter_not_found"));
  house.dead_letters = ingest::dead_letter_page{{make_letter()}, 1};
  const auto answer = house.get("/api/dlq/p1", "admin");
  CHECK(answer->status() == 200);
  CHECK(answer->body() ==
        R"({"actor_id":"","actor_type":"","destination":"sqlite",)"
        R"("failed_at":"2026-01-02T00:00:00Z","idempotency_key":"","payload":{"content":"a"},)"
        R"("payload_id":"p1","reason":"a \"bad\" row","source":"default","subject":"x",)"
        R"("timestamp":"2026-01-01T00:00:00Z"})"
        "\n");
  CHECK(house.choices.back().second.payload_ids == std::vector<std::string>{"p1"});
  CHECK(house.choices.back().second.with_payloads);
}

TEST_CASE("dead letters are redriven and purged as the body chooses") {
  fake_house house;
  house.acted = std::uint64_t{2};
  const auto answer = post(house, "/api/dlq/redrive", R"({"payload_ids":["a","b"]})");
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "{\"count\":2}\n");
  CHECK(post(house, "/api/dlq/purge", R"({"all":true,"source":"s","destination":"d"})")->status() ==
        200);
  REQUIRE(house.choices.size() == 2);
  CHECK(house.choices[0].first == "redrive");
  CHECK(house.choices[0].second.payload_ids == std::vector<std::string>{"a", "b"});
  CHECK(house.choices[1].first == "purge");
  CHECK(house.choices[1].second.payload_ids.empty());
  CHECK(house.choices[1].second.source == "s");
  CHECK(house.choices[1].second.destination == "d");
}

TEST_CASE("a body that does not say clearly which dead letters are meant changes nothing") {
  fake_house house;
  for (const std::string body :
       {"", "{", "[]", "{}", R"({"all":false})", R"({"all":"yes"})", R"({"payload_ids":[]})",
        R"({"payload_ids":"a"})", R"({"payload_ids":[1]})", R"({"payload_ids":[""]})",
        R"({"all":true,"payload_ids":["a"]})", R"({"all":true,"sorce":"s"})",
        R"({"all":true,"source":""})", R"({"all":true,"source":1})", R"({"source":"s"})",
        R"({"all":true} x)"}) {
    INFO(body);
    const auto answer = post(house, "/api/dlq/purge", body);
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_request"));
  }
  CHECK(house.choices.empty());
}

TEST_CASE("a body with too many payload ids is refused") {
  fake_house house;
  const auto answer =
      post(house, "/api/dlq/redrive",
           R"({"payload_ids":[")" + std::string(ingest::dead_letter_body_bytes_max, 'x') + "\"]}");
  CHECK(answer->status() == 413);
  CHECK(house.choices.empty());
}

TEST_CASE("only the admin gets at dead letters") {
  fake_house house;
  CHECK(house.get("/api/dlq", "default")->status() == 401);
  CHECK(house.get("/api/dlq/p1", "default")->status() == 401);
  CHECK(post(house, "/api/dlq/redrive", R"({"all":true})", "default")->status() == 401);
  CHECK(post(house, "/api/dlq/purge", R"({"all":true})", "nobody")->status() == 401);
  CHECK(house.choices.empty());
}

TEST_CASE("what the log fails with becomes an answer that says what to do") {
  fake_house house;
  const auto answer_to = [&](core::errc code) {
    house.acted = core::error{code, "secret of the log"};
    return post(house, "/api/dlq/redrive", R"({"all":true})");
  };
  CHECK(answer_to(core::errc::wal_full)->says("wal_full"));
  CHECK(answer_to(core::errc::wal_full)->header("Retry-After") == "10");
  CHECK(answer_to(core::errc::overloaded)->status() == 503);
  CHECK(answer_to(core::errc::closed)->status() == 503);
  const auto failed = answer_to(core::errc::io_failed);
  CHECK(failed->status() == 500);
  CHECK(failed->body().find("secret of the log") == std::string::npos);
  CHECK(house.log->text().find("secret of the log") != std::string::npos);
}
