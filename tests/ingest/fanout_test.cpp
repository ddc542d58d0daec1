// A source with several destinations: one write, an entry for each.
#include "ingest/fanout.hpp"

#include "ingest/payload.hpp"
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

using names = std::vector<std::string>;

struct fanout_house : fake_house {
  fanout_house() { source().target_destinations = {"a", "b \"x\"", "c"}; }
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

core::entry pending(const std::string& payload_id, const std::string& destination,
                    const std::string& extension) {
  core::entry out;
  out.payload_id = payload_id;
  out.destination = destination;
  out.extension = extension;
  return out;
}

}  // namespace

TEST_CASE("a write to several destinations is one append with an entry for each") {
  fanout_house house;
  house.source().idempotency_enabled = true;
  const auto answer =
      house.post(R"({"message":{"content":"to \",\"destination\":\"x\" and on,"}})",
                 {{"Idempotency-Key", "k"}, {"X-Subject", ",\"destination\":\"s\","}});
  CHECK(answer->status() == 200);
  REQUIRE(house.appends.size() == 1);
  const auto& entries = house.appends[0].entries;
  REQUIRE(entries.size() == 3);
  const auto& first = *entries[0];
  CHECK(answer->body() ==
        "{\"payload_id\":\"" + first.payload_id + "\",\"status\":\"accepted\"}\n");
  CHECK(first.destination == "a");
  CHECK(entries[1]->destination == "b \"x\"");
  CHECK(entries[2]->destination == "c");
  const std::string member = R"("destination":"a","collection")";
  CHECK(entries[1]->payload ==
        replaced(first.payload, member, R"("destination":"b \"x\"","collection")"));
  CHECK(entries[2]->payload ==
        replaced(first.payload, member, R"("destination":"c","collection")"));
  for (const auto& one : entries) {
    CHECK(one->payload_id == first.payload_id);
    CHECK(one->timestamp == first.timestamp);
    CHECK(one->idempotency_key == "k");
    CHECK(one->source == "default");
    CHECK(one->subject == first.subject);
    CHECK(one->actor_type == "user");
    CHECK(one->extension == ",\"fanout\":3");
  }
  CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 1);
}

TEST_CASE("a policy must allow each destination of a write") {
  for (const char* allowed : {"a", "b \"x\"", "c"}) {
    fanout_house house;
    house.source().policy.allowed_destinations = {allowed};
    CHECK(house.post("{}")->says("policy_denied"));
    CHECK(house.appends.empty());
  }
  fanout_house house;
  house.source().policy.allowed_destinations = house.source().target_destinations;
  CHECK(house.post("{}")->status() == 200);
}

TEST_CASE("a write to one destination says nothing of others") {
  fake_house house;
  house.post("{}");
  REQUIRE(house.appends.at(0).entries.size() == 1);
  CHECK(house.appends[0].entry->extension.empty());
}

TEST_CASE("what a write to several destinations says survives the log's line") {
  fanout_house house;
  house.post("{}");
  for (const auto& one : house.appends.at(0).entries) {
    std::string line;
    REQUIRE(core::append_json(line, *one).ok());
    const auto back = core::parse_entry(line);
    REQUIRE(back.ok());
    CHECK(back->extension == ",\"fanout\":3");
    CHECK(back->payload == one->payload);
  }
}

TEST_CASE(
    "every destination of a write must be allowed, and the refusal names the one that is not") {
  fanout_house house;
  house.source().policy.allowed_destinations = {"a", "b \"x\""};
  const auto answer = house.post("{}");
  CHECK(answer->status() == 403);
  CHECK(answer->says("policy_denied"));
  CHECK(answer->body().find("destination: c\"") != std::string::npos);
  CHECK(house.appends.empty());
  CHECK(house.count("bubblefish_policy_denials_total",
                    {{"source", "default"},
                     {"reason", "the source's policy does not allow this destination: c"}}) == 1);
}

TEST_CASE("an entry without others is a whole write") {
  ingest::whole_writes writes;
  CHECK(writes.add(pending("1", "a", "")));
  CHECK(writes.add(pending("2", "a", ",\"other\":7")));
  CHECK(writes.add(pending("3", "a", "")));
}

TEST_CASE("a write to several destinations is whole once all of its entries were seen") {
  const std::string three = ",\"x\":null,\"fanout\":3";
  ingest::whole_writes writes;
  CHECK_FALSE(writes.add(pending("1", "a", three)));
  CHECK_FALSE(writes.add(pending("1", "b", three)));
  CHECK(writes.add(pending("1", "c", three)));
  CHECK_FALSE(writes.add(pending("2", "a", three)));
  CHECK_FALSE(writes.add(pending("2", "a", three)));
  CHECK_FALSE(writes.add(pending("2", "b", three)));
  CHECK(writes.add(pending("3", "a", "")));
  CHECK_FALSE(writes.add(pending("4", "c", three)));
}

TEST_CASE("a number of entries that makes no sense counts as one entry, or is never reached") {
  ingest::whole_writes writes;
  CHECK(writes.add(pending("1", "a", ",\"fanout\":\"many\"")));
  CHECK(writes.add(pending("2", "a", ",\"fanout\":1")));
  CHECK_FALSE(writes.add(pending("3", "a", ",\"fanout\":0")));
  CHECK_FALSE(writes.add(pending("4", "a", ",\"fanout\":4000000000")));
}
