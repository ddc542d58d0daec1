#include "actors/recent_entries.hpp"

#include <string>
#include <vector>

#include "actors/weight.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::actors;
using nexus::test::make_entry;

namespace {

constexpr std::size_t no_limit = 1 << 20;

fetch_request fetch(wal::position from, const std::string& destination = "d",
                    std::size_t entries_max = 100, std::size_t bytes_max = no_limit) {
  return {destination, from, entries_max, bytes_max};
}

std::vector<wal::position> places(const wal::pending_batch& read) {
  std::vector<wal::position> out;
  for (const auto& one : read.entries) out.push_back(one.at);
  return out;
}

using list = std::vector<wal::position>;

}  // namespace

TEST_CASE("what was committed last is read from memory, each destination its own") {
  recent_entries recent(no_limit);
  CHECK_FALSE(recent.reaches(0));
  recent.add(7, make_entry("p7"));
  recent.add(8, make_entry("p8", "other"));
  recent.add(9, make_entry("p9"));

  CHECK_FALSE(recent.reaches(6));
  CHECK_FALSE(recent.reaches(10));
  REQUIRE(recent.reaches(7));
  const auto all = recent.read(fetch(7));
  CHECK(places(all) == list{7, 9});
  CHECK(all.entries.back().entry->payload_id == "p9");
  CHECK(all.next == 10);
  CHECK_FALSE(all.at_end);
  CHECK(places(recent.read(fetch(8, "other"))) == list{8});
  CHECK(recent.read(fetch(7, "nobody")).next == 10);
}

TEST_CASE("what everybody has got is forgotten, and what comes then goes on behind it") {
  recent_entries recent(no_limit);
  for (wal::position at = 3; at < 8; ++at) recent.add(at, make_entry("p"));
  recent.forget_before(2);
  CHECK(recent.reaches(3));
  recent.forget_before(6);
  CHECK_FALSE(recent.reaches(5));
  CHECK(places(recent.read(fetch(6))) == list{6, 7});
  recent.forget_before(100);
  CHECK_FALSE(recent.reaches(7));
  recent.add(8, make_entry("p"));
  CHECK(places(recent.read(fetch(8))) == list{8});
}

TEST_CASE("a fetch from memory keeps its limits, and goes on where it has stopped") {
  recent_entries recent(no_limit);
  for (wal::position at = 3; at < 8; ++at) recent.add(at, make_entry("p"));
  const auto two = recent.read(fetch(3, "d", 2));
  CHECK(places(two) == list{3, 4});
  CHECK(two.next == 5);
  const auto bytes = weight(*make_entry("p"));
  CHECK(places(recent.read(fetch(5, "d", 100, 2 * bytes))) == list{5, 6});
  CHECK(places(recent.read(fetch(5, "d", 100, 1))) == list{5});
}

TEST_CASE("a gap before a commit forgets what stands before it, and trimming the oldest") {
  const auto bytes = weight(*make_entry("p"));
  recent_entries recent(2 * bytes);
  for (wal::position at = 0; at < 3; ++at) recent.add(at, make_entry("p"));
  CHECK(recent.reaches(0));
  recent.trim();
  CHECK_FALSE(recent.reaches(0));
  CHECK(places(recent.read(fetch(1))) == list{1, 2});

  recent.add(5, make_entry("p"));
  CHECK_FALSE(recent.reaches(2));
  CHECK(places(recent.read(fetch(5))) == list{5});
  recent.clear();
  CHECK_FALSE(recent.reaches(5));
}
