// GET /api/audit/log, /api/audit/stats and /api/audit/export.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

struct audited_house : fake_house {
  audited_house() {
    audits = true;
    audit::record one;
    one.record_id = "r1";
    one.timestamp = *core::parse_timestamp("2026-01-01T00:00:00Z");
    one.actor_id = "a,b";
    audit_page = audit::page{{one}, 7};
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the interaction log is read with all its filters, a page at a time") {
  audited_house house;
  const auto answer = house.get(
      "/api/audit/log", "admin",
      "source=a&actor_type=b&actor_id=c&operation=d&policy_decision=e&subject=f&destination=g&"
      "after=2026-01-01T00:00:00Z&before=2026-01-02T00:00:00%2B01:00&limit=5&offset=3");
  REQUIRE(answer->status() == 200);
  CHECK(answer->body().starts_with(R"({"records":[{"record_id":"r1",)"));
  CHECK(answer->body().ends_with(
      "}],\"total_matching\":7,\"limit\":5,\"offset\":3,\"has_more\":true}\n"));
  house.audit_page->total = 4;
  CHECK(
      house.get("/api/audit/log", "admin", "offset=3")->body().ends_with("\"has_more\":false}\n"));
  REQUIRE(house.audit_choices.size() == 2);
  const auto& asked = house.audit_choices.front();
  CHECK(asked.which.source == "a");
  CHECK(asked.which.actor_type == "b");
  CHECK(asked.which.actor_id == "c");
  CHECK(asked.which.operation == "d");
  CHECK(asked.which.policy_decision == "e");
  CHECK(asked.which.subject == "f");
  CHECK(asked.which.destination == "g");
  CHECK(asked.which.after == core::parse_timestamp("2026-01-01T00:00:00Z"));
  CHECK(asked.which.before == core::parse_timestamp("2026-01-01T23:00:00Z"));
}

TEST_CASE("the limit of a page is 100, at most 1000") {
  audited_house house;
  for (const auto* query : {"", "limit=x", "limit=1000000", "offset=-1"})
    CHECK(house.get("/api/audit/log", "admin", query)->status() == 200);
  CHECK(house.audit_choices[0].limit == 100);
  CHECK(house.audit_choices[1].limit == 100);
  CHECK(house.audit_choices[2].limit == 1000);
  CHECK(house.audit_choices[3].offset == 0);
}

TEST_CASE("a time that is none has a code of its own") {
  audited_house house;
  for (const auto* path : {"/api/audit/log", "/api/audit/stats", "/api/audit/export"}) {
    CHECK(house.get(path, "admin", "after=yesterday")->says("invalid_after"));
    CHECK(house.get(path, "admin", "before=1")->says("invalid_before"));
  }
  CHECK(house.audit_choices.empty());
}

TEST_CASE("the interaction log is the administrator's, and has a rate limit") {
  audited_house house;
  house.settings.audit.admin_requests_per_minute = 2;
  CHECK(house.get("/api/audit/log", "default")->says("wrong_token_class"));
  CHECK(house.get("/api/audit/log", "")->says("unauthorized"));
  CHECK(house.get("/api/audit/log", "admin")->status() == 200);
  CHECK(house.get("/api/audit/stats", "admin")->status() == 200);
  const auto refused = house.get("/api/audit/export", "admin");
  CHECK(refused->status() == 429);
  CHECK(refused->says("rate_limit_exceeded"));
  CHECK(refused->header("Retry-After") == "60");
}

TEST_CASE("an export is a list of records, or CSV for those who ask for it") {
  audited_house house;
  const auto json = house.get("/api/audit/export", "admin", "limit=1&offset=5");
  CHECK(json->body().starts_with(R"([{"record_id":"r1",)"));
  CHECK(json->body().ends_with("}]\n"));
  CHECK(house.audit_choices[0].limit == 1000);
  CHECK(house.audit_choices[0].offset == 0);
  const auto csv = house.get("/api/audit/export", "admin", "", {{"Accept", "text/csv"}});
  CHECK(csv->sent->content_type == "text/csv; charset=utf-8");
  CHECK(csv->body().starts_with("record_id,timestamp,"));
  CHECK(holds(csv->body(), "\r\nr1,2026-01-01T00:00:00Z,"));
  CHECK(holds(csv->body(), ",\"a,b\","));
}

TEST_CASE("statistics are rates, top lists and counts") {
  audited_house house;
  audit::statistics of;
  of.total = 6;
  of.denied = 3;
  of.last = of.first + std::chrono::hours(2);
  of.sources = {{"a", 4}, {"b", 2}};
  of.operations = {{"query", 1}, {"write", 5}};
  house.audit_statistics = of;
  const auto answer = house.get("/api/audit/stats", "admin", "source=a");
  CHECK(answer->body() ==
        R"({"total_records":6,"interactions_per_hour":3.000,"denial_rate":0.5000,)"
        R"("top_sources":[{"source":"a","count":4},{"source":"b","count":2}],"top_actors":[],)"
        R"("by_operation":{"query":1,"write":5},"by_decision":{}})"
        "\n");
  CHECK(house.audit_choices.front().which.source == "a");
}

TEST_CASE("where there is no interaction log the answers are empty") {
  fake_house house;
  CHECK(holds(house.get("/api/audit/log", "admin")->body(),
              R"("message":"the interaction log is not enabled")"));
  CHECK(house.get("/api/audit/export", "admin")->body() == "[]\n");
  CHECK(house.get("/api/audit/stats", "admin")->body().starts_with(R"({"total_records":0,)"));
}

TEST_CASE("a log that cannot be read is an error of the server") {
  audited_house house;
  house.audit_page = core::error{core::errc::io_failed, "no disk"};
  house.audit_statistics = core::error{core::errc::closed, "stopping"};
  CHECK(house.get("/api/audit/log", "admin")->says("internal_error"));
  CHECK(house.get("/api/audit/stats", "admin")->says("shutting_down"));
  CHECK(holds(house.log->text(), "no disk"));
}
