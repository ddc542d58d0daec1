#include "ingest/cursor.hpp"
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

TEST_CASE("a cursor is URL-safe padded Base64 of a decimal offset") {
  CHECK(ingest::encode_cursor(20) == "MjA=");
  CHECK(ingest::decode_cursor("MjA=") == 20);
  CHECK(ingest::decode_cursor("") == 0);
  CHECK(ingest::decode_cursor(ingest::encode_cursor(123'456'789)) == 123'456'789);
  for (const std::string bad :
       {"MjA", "!!", "YWJj", "LTE=", "MSA=", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM="}) {
    CAPTURE(bad);
    CHECK_FALSE(ingest::decode_cursor(bad));
  }
}

TEST_CASE("a query asks for what its parameters say, in the source's namespace only") {
  fake_house house;
  REQUIRE(house
              .get("/query/sqlite", "default",
                   "q=a%20b&subject=s&limit=7&cursor=MjA%3D&actor_type=agent&namespace=stolen")
              ->status() == 200);
  REQUIRE(house.queries.size() == 1);
  const auto& asked = house.queries[0];
  CHECK(asked.name_space == "default-space");
  CHECK(asked.destination == "sqlite");
  CHECK(asked.text == "a b");
  CHECK(asked.subject == "s");
  CHECK(asked.actor_type == "agent");
  CHECK(asked.limit == 7);
  CHECK(asked.offset == 20);
}

TEST_CASE("two sources read in their own namespaces, the admin in the default one") {
  fake_house house;
  house.get("/query/sqlite", "default");
  house.get("/query/sqlite", "other");
  const auto admin = house.get("/query/sqlite", "admin");
  REQUIRE(house.queries.size() == 3);
  CHECK(house.queries[0].name_space == "default-space");
  CHECK(house.queries[1].name_space == "other-space");
  CHECK(house.queries[2].name_space == "default");
  CHECK(admin->body().find("\"profile\":\"deep\"") != std::string::npos);
}

TEST_CASE("the subject of a query may come in a header, a parameter goes first") {
  fake_house house;
  house.get("/query/sqlite", "default", "", {{"X-Subject", "h"}});
  house.get("/query/sqlite", "default", "subject=p", {{"X-Subject", "h"}});
  CHECK(house.queries[0].subject == "h");
  CHECK(house.queries[1].subject == "p");
}

TEST_CASE("the limit of a query is 20 unless it is a positive number, and 200 at most") {
  fake_house house;
  for (const std::string text :
       {"", "limit=0", "limit=-1", "limit=x", "limit=5x", "limit=500", "limit=200", "limit=1"})
    house.get("/query/sqlite", "default", text);
  std::vector<std::size_t> limits;
  for (const auto& asked : house.queries) limits.push_back(asked.limit);
  CHECK(limits == std::vector<std::size_t>{20, 20, 20, 20, 20, 200, 200, 1});
}

TEST_CASE("an answer holds the records, and a cursor where there are more") {
  fake_house house;
  house.page = destinations::query_page{{"{\"a\":1}", "{\"b\":2}"}, true};
  CHECK(house.get("/query/sqlite", "default", "q=x&cursor=MjA%3D&profile=fast")->body() ==
        R"({"results":[{"a":1},{"b":2}],"records":[{"a":1},{"b":2}],"has_more":true,)"
        R"("_nexus":{"result_count":2,"has_more":true,"next_cursor":"MjI=","profile":"fast",)"
        R"("stage":"structured","retrieval_stage":"structured"}})"
        "\n");
  house.page = destinations::query_page{};
  CHECK(house.get("/query/sqlite", "default", "subject=s")->body() ==
        R"({"results":[],"records":[],"has_more":false,)"
        R"("_nexus":{"result_count":0,"has_more":false,"profile":"balanced",)"
        R"("stage":"fast_path","retrieval_stage":"fast_path"}})"
        "\n");
}

TEST_CASE("a client that asks for events gets one for each record, and one about them") {
  fake_house house;
  house.page = destinations::query_page{{"{\"a\":1}", "{\n\"b\":2}"}, false};
  const auto answer = house.get("/query/sqlite", "default", "subject=s",
                                {{"Accept", "application/json;q=0.1, text/event-stream"}});
  CHECK(answer->sent->content_type == "text/event-stream");
  CHECK(answer->body() ==
        "data: {\"a\":1}\n\n"
        "data: {\ndata: \"b\":2}\n\n"
        R"(data: {"_nexus":{"result_count":2,"has_more":false,"profile":"balanced",)"
        R"("stage":"fast_path","retrieval_stage":"fast_path"}})"
        "\n\n");
  CHECK(house.get("/query/sqlite", "source-that-is-none", "", {{"Accept", "text/event-stream"}})
            ->says("unauthorized"));
}

TEST_CASE("a query by subject alone takes the fast path, anything more does not") {
  fake_house house;
  const auto fast = [&](const std::string& query) {
    return house.get("/query/sqlite", "default", query)->body().find("\"stage\":\"fast_path\"") !=
           std::string::npos;
  };
  CHECK(fast("subject=s"));
  CHECK(fast("subject=s&limit=3"));
  CHECK_FALSE(fast(""));
  CHECK_FALSE(fast("subject=s&q=x"));
  CHECK_FALSE(fast("subject=s&actor_type=user"));
  CHECK_FALSE(fast("subject=s&cursor=MA%3D%3D"));
}

TEST_CASE("a query is checked in the order of the reference") {
  fake_house house;
  house.source().can_read = false;
  house.source().requests_per_minute = 1;
  house.source(1).requests_per_minute = 5;
  house.source(1).policy.allowed_operations = {"write"};
  house.source(1).policy.allowed_destinations = {"sqlite"};
  const std::string all_wrong = "actor_type=x&profile=x&cursor=x";
  for (int i = 0; i < 2; ++i)
    CHECK(house.get("/query/sqlite", "default", all_wrong)->says("source_not_permitted_to_read"));

  CHECK(house.get("/query/nope", "other", all_wrong)->says("invalid_actor_type"));
  CHECK(house.get("/query/nope", "other", "profile=x&cursor=x")->says("invalid_profile"));
  CHECK(house.get("/query/nope", "other", "cursor=x")->says("invalid_cursor"));
  CHECK(house.get("/query/nope", "other")->says("destination_not_allowed"));
  const auto denied = house.get("/query/sqlite", "other");
  CHECK(denied->status() == 403);
  CHECK(denied->says("operation_not_allowed"));
  const auto limited = house.get("/query/sqlite", "other", all_wrong);
  CHECK(limited->status() == 429);
  CHECK(limited->says("rate_limit_exceeded"));
  CHECK(limited->header("Retry-After") == "60");
  CHECK(house.count("bubblefish_rate_limit_hits_total", {{"source", "other"}}) == 1);
  CHECK(house.queries.empty());
}

TEST_CASE("reads and writes of a source are limited apart from each other") {
  fake_house house;
  house.source().requests_per_minute = 1;
  CHECK(house.get("/query/sqlite", "default")->status() == 200);
  CHECK(house.post("{}")->status() == 200);
  CHECK(house.get("/query/sqlite", "default")->status() == 429);
  CHECK(house.post("{}")->status() == 429);
}

TEST_CASE("a destination with nothing to read from has no results, one that fails is an error") {
  fake_house house;
  house.page = core::error{core::errc::not_found, "no such destination"};
  const auto empty = house.get("/query/nowhere", "default");
  CHECK(empty->status() == 200);
  CHECK(empty->body().starts_with("{\"results\":[],"));
  house.page = core::error{core::errc::unreachable, "secret host"};
  const auto failed = house.get("/query/sqlite", "default");
  CHECK(failed->status() == 500);
  CHECK(failed->says("internal_error"));
  CHECK(failed->body().find("secret host") == std::string::npos);
}

TEST_CASE("the time of a query is measured by source and endpoint") {
  fake_house house;
  house.get("/query/sqlite", "default");
  const auto page = house.get("/metrics", "admin")->body();
  CHECK(page.find(
            "bubblefish_read_latency_seconds_count{endpoint=\"/query\",source=\"default\"} 1") !=
        std::string::npos);
}
