// Idempotency keys and required content, as a client of POST /inbound/{source} sees them.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using test::fake_house;

namespace {

const http::header_list with_k{{"Idempotency-Key", "k"}};

fake_house& deduplicating(fake_house& house) {
  house.source().idempotency_enabled = true;
  return house;
}

core::entry old_entry(const fake_house& house, std::chrono::seconds age) {
  core::entry old;
  old.source = "default";
  old.idempotency_key = "k";
  old.payload_id = "id-of-old";
  old.status = "DELIVERED";
  old.timestamp = core::format_timestamp(house.wall - age);
  return old;
}

}  // namespace

TEST_CASE("a key makes a new entry when the source's window is over") {
  fake_house house;
  deduplicating(house).source().dedup_window = 60s;
  const auto first = house.post("{}", with_k);
  house.wall += 30s;
  CHECK(house.post("{}", with_k)->body() == first->body());
  house.wall += 60s;
  const auto second = house.post("{}", with_k);
  CHECK(second->status() == 200);
  CHECK(second->body() != first->body());
  CHECK(house.appends.size() == 2);
}

TEST_CASE("a key of an entry that still waits is not given to the log a second time") {
  fake_house house;
  deduplicating(house).source().target_destinations = {"sqlite", "other"};
  house.post("{}", with_k);
  CHECK(house.appends.back().entry->idempotency_key == "k");
  house.wall += 301s;
  house.waiting_keys = {"default/k"};
  house.post("{}", with_k);
  REQUIRE(house.appends.size() == 2);
  for (const auto& one : house.appends.back().entries) {
    CHECK(one->idempotency_key.empty());
    CHECK(one->extension.find(R"("repeated_key":"k")") != std::string::npos);
    CHECK(one->payload.find(R"("idempotency_key":"k")") != std::string::npos);
  }
}

TEST_CASE("a source that does not deduplicate keeps its keys out of the log") {
  fake_house house;
  house.waiting_keys = {"default/k"};
  house.post("{}", with_k);
  CHECK(house.appends.back().entry->idempotency_key.empty());
  CHECK(house.appends.back().entry->extension.empty());
}

TEST_CASE("another body with a known key gets the first answer, as in v0.1.2") {
  fake_house house;
  const auto first = deduplicating(house).post("{\"a\":1}", with_k);
  CHECK(house.post("{\"a\":2}", with_k)->body() == first->body());
  CHECK(house.appends.back().entry->extension.empty());
}

TEST_CASE("a strict source refuses another body with a known key") {
  fake_house house;
  deduplicating(house).source().strict_idempotency = true;
  const auto first = house.post(" {\"a\":1} and what follows", with_k);
  REQUIRE(first->status() == 200);
  CHECK(house.post("{\"a\":1}", with_k)->body() == first->body());
  const auto other = house.post("{\"a\":2}", with_k);
  CHECK(other->status() == 422);
  CHECK(other->says("idempotency_mismatch"));
  CHECK(house.appends.size() == 1);
}

TEST_CASE("a strict source compares bodies with the request that is still on its way, too") {
  fake_house house;
  deduplicating(house).source().strict_idempotency = true;
  house.append_later = true;
  const auto first = house.post("{\"a\":1}", with_k);
  const auto same = house.post("{\"a\":1}", with_k);
  const auto other = house.post("{\"a\":2}", with_k);
  CHECK_FALSE(other->done());
  house.appends[0].done({});
  CHECK(first->status() == 200);
  CHECK(same->body() == first->body());
  CHECK(other->says("idempotency_mismatch"));
  CHECK(house.appends.size() == 1);
}

TEST_CASE("a strict source knows the body of an entry from an earlier run, if it was noted") {
  fake_house before;
  deduplicating(before).source().strict_idempotency = true;
  before.post("{\"a\":1}", with_k);
  auto written = *before.appends.back().entry;
  fake_house house;
  house.settings = before.settings;
  SECTION("noted") {
    house.door().restore(written);
    CHECK(house.post("{\"a\":2}", with_k)->says("idempotency_mismatch"));
    CHECK(house.post("{\"a\":1}", with_k)->status() == 200);
  }
  SECTION("not noted") {
    written.extension.clear();
    house.door().restore(written);
    CHECK(house.post("{\"a\":2}", with_k)->status() == 200);
  }
  CHECK(house.appends.empty());
}

TEST_CASE("a key from an earlier run is known for what is left of its window") {
  fake_house house;
  deduplicating(house).source().dedup_window = 60s;
  house.door().restore(old_entry(house, 40s));
  CHECK(house.post("{}", with_k)->body().find("id-of-old") != std::string::npos);
  house.wall += 20s;
  CHECK(house.post("{}", with_k)->body().find("id-of-old") == std::string::npos);
  CHECK(house.appends.size() == 1);
}

TEST_CASE("entries are of use to the door as far back as the longest window reaches") {
  fake_house house;
  CHECK_FALSE(house.door().restore_since());
  house.close_door();
  house.source(0).idempotency_enabled = true;
  house.source(0).dedup_window = 60s;
  house.source(1).idempotency_enabled = true;
  house.source(1).dedup_window = 3'600s;
  const auto since = house.door().restore_since();
  REQUIRE(since);
  CHECK(*since <= house.wall - 3'600s);
  CHECK(*since > house.wall - 3'610s);
  house.close_door();
  house.source(0).dedup_window = 0s;
  CHECK(house.door().restore_since() == core::time_point::min());
}

TEST_CASE("a repeated request of a client that waits for the delivery is answered when durable") {
  fake_house house;
  deduplicating(house).source().ack = config::ack_level::delivered;
  const auto first = house.post("{}", with_k);
  CHECK_FALSE(first->done());
  const auto again = house.post("{}", with_k);
  CHECK(again->status() == 200);
  CHECK(again->body().find("\"status\":\"accepted\"") != std::string::npos);
}

TEST_CASE("a source that requires content refuses an entry without, after the transforms") {
  fake_house house;
  auto& source = house.source();
  source.requests_per_minute = 3;
  CHECK(house.post("{}")->status() == 200);
  house.close_door();
  source.require_content = true;
  source.transform = {{"content", {"trim"}}};
  const auto empty = house.post(R"({"message":{"content":"  "}})", {{"X-Actor-Type", "robot"}});
  CHECK(empty->status() == 422);
  CHECK(empty->says("empty_content"));
  CHECK(house.post("{}")->says("empty_content"));
  CHECK(house.post(R"({"message":{"content":" x "}})")->status() == 200);
  CHECK(house.post("{}")->says("rate_limit_exceeded"));
  CHECK(house.appends.size() == 2);
}

TEST_CASE("a refused entry leaves its key free") {
  fake_house house;
  deduplicating(house).source().require_content = true;
  CHECK(house.post("{}", with_k)->says("empty_content"));
  CHECK(house.post(R"({"message":{"content":"x"}})", with_k)->status() == 200);
}
