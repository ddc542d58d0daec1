#include "destinations/supabase.hpp"

#include <algorithm>

#include "tests/destinations/http_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::destinations;
using namespace nexus::test;

namespace {

const std::string full_payload =
    R"({"payload_id":"p1","request_id":"req-1","source":"default","subject":"ann",)"
    R"("namespace":"home","destination":"brain","collection":"c","content":"hello","model":"m1",)"
    R"("role":"user","timestamp":"2026-01-01T00:00:00Z","idempotency_key":"idem-1",)"
    R"("schema_version":1,"transform_version":"1.0","actor_type":"user","actor_id":"a1",)"
    R"("embedding":[0.5,1],"metadata":{"z":"1","a":"2"},"sensitivity_labels":["pii"],)"
    R"("classification_tier":"secret"})";

/// A payload for which the receiver does `words`.
std::string payload_that(const std::string& words) {
  return R"({"payload_id":"p1","content":"do:)" + words + R"("})";
}

std::unique_ptr<destination> made_at(const std::string& url) {
  supabase_options options;
  options.url = url;
  options.api_key = "sb-key";
  auto made = make_supabase(options);
  REQUIRE(made.ok());
  return *std::move(made);
}

}  // namespace

TEST_CASE("a row is inserted as the reference does it") {
  http_receiver receiver;
  for (const std::string slash : {"", "/"}) {
    const auto to = made_at(receiver.url() + slash);
    REQUIRE(deliver_one(*to, entry_with("p1", full_payload)).kind == outcome_kind::delivered);
    const auto all = receiver.take();
    REQUIRE(all.requests.size() == 1);
    const auto& request = all.requests[0];
    CHECK(request.method == "POST");
    CHECK(request.path == "/rest/v1/memories");
    CHECK(request.headers.at("content-type") == "application/json");
    CHECK(request.headers.at("apikey") == "sb-key");
    CHECK(request.headers.at("authorization") == "Bearer sb-key");
    CHECK(request.headers.at("prefer") == "resolution=ignore-duplicates");
    CHECK(request.body ==
          R"({"payload_id":"p1","request_id":"req-1","source":"default","subject":"ann",)"
          R"("namespace":"home","destination":"brain","collection":"c","content":"hello",)"
          R"("model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z",)"
          R"("idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0",)"
          R"("actor_type":"user","actor_id":"a1","metadata":{"a":"2","z":"1"},)"
          R"("embedding":[0.5,1]})");
  }
}

TEST_CASE("metadata and embedding that are empty are left out") {
  http_receiver receiver;
  const auto to = made_at(receiver.url());
  REQUIRE(deliver_one(*to, entry_with("p1", R"({"content":"x"})")).kind == outcome_kind::delivered);
  CHECK(receiver.take().requests.at(0).body ==
        R"({"payload_id":"p1","request_id":"","source":"","subject":"","namespace":"",)"
        R"("destination":"","collection":"","content":"x","model":"","role":"",)"
        R"("timestamp":"0001-01-01T00:00:00Z","idempotency_key":"","schema_version":0,)"
        R"("transform_version":"","actor_type":"","actor_id":""})");
}

TEST_CASE("a payload that is no record is refused unsent") {
  http_receiver receiver;
  const auto to = made_at(receiver.url());
  const std::vector<core::entry_ptr> batch{entry_with("p1", "[1]"),
                                           entry_with("p2", R"({"content":7})"),
                                           entry_with("p3", full_payload)};
  const auto outcomes = to->deliver(batch);
  CHECK(outcomes[0].kind == outcome_kind::permanent);
  CHECK(outcomes[1].kind == outcome_kind::permanent);
  CHECK(outcomes[2].kind == outcome_kind::delivered);
  CHECK(receiver.take().requests.size() == 1);
}

TEST_CASE("answers become outcomes as the table says") {
  http_receiver receiver;
  const auto to = made_at(receiver.url());
  const auto kind_for = [&](const std::string& words) {
    return deliver_one(*to, entry_with("p1", payload_that(words))).kind;
  };
  CHECK(kind_for("status=201") == outcome_kind::delivered);
  CHECK(kind_for("status=409") == outcome_kind::delivered);
  CHECK(kind_for(R"(status=409;body={\"code\":\"23503\"})") == outcome_kind::permanent);
  CHECK(kind_for("status=400") == outcome_kind::permanent);
  CHECK(kind_for(R"(status=400;body={\"code\":\"PGRST204\"})") == outcome_kind::config_fault);
  CHECK(kind_for("status=401") == outcome_kind::config_fault);
  CHECK(kind_for("status=404") == outcome_kind::config_fault);
  CHECK(kind_for("status=500") == outcome_kind::transient);
  CHECK(kind_for("status=503") == outcome_kind::unreachable);
}

TEST_CASE(
    "a ping of supabase asks with HEAD, and wrong keys or a missing table are config faults") {
  http_receiver receiver;
  CHECK(made_at(receiver.url())->ping().ok());
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  CHECK(all.requests[0].method == "HEAD");
  CHECK(all.requests[0].path == "/rest/v1/memories");
  CHECK(all.requests[0].headers.at("apikey") == "sb-key");
  for (const std::string wrong : {"401", "403", "404"}) {
    const auto pinged = made_at(receiver.url_to("status=" + wrong))->ping();
    REQUIRE_FALSE(pinged.ok());
    CHECK(pinged.reason().code == core::errc::bad_config);
  }
  for (const std::string down : {"500", "503"}) {
    const auto pinged = made_at(receiver.url_to("status=" + down))->ping();
    REQUIRE_FALSE(pinged.ok());
    CHECK(pinged.reason().code == core::errc::unreachable);
  }
}

TEST_CASE("which rows are there is asked by payload id") {
  http_receiver receiver;
  const std::vector<std::string> ids{"p1", "a&b=c"};
  const auto none = made_at(receiver.url_to("body=[]"))->exists(ids);
  REQUIRE(none.ok());
  CHECK(*none == std::vector<bool>{false, false});
  const auto paths = receiver.take().requests;
  REQUIRE(paths.size() == 2);
  const std::string table = "/do/body=[]/rest/v1/memories?payload_id=eq.";
  std::vector<std::string> asked{paths[0].path, paths[1].path};
  std::sort(asked.begin(), asked.end());
  CHECK(asked[0] == table + "a%26b%3Dc&select=payload_id&limit=1");
  CHECK(asked[1] == table + "p1&select=payload_id&limit=1");
  CHECK(paths[0].method == "GET");

  const auto both = made_at(receiver.url_to("body=[%7B%22payload_id%22:%22p1%22%7D]"))->exists(ids);
  REQUIRE(both.ok());
  CHECK(*both == std::vector<bool>{true, true});

  const auto refused = made_at(receiver.url_to("status=401"))->exists(ids);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::bad_config);
}
