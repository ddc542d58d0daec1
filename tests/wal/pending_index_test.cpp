#include "wal/pending_index.hpp"

#include <malloc.h>

#include <functional>
#include <map>
#include <random>
#include <string>

#include "tests/support/catch.hpp"
#include "tests/wal/log_support.hpp"

using namespace nexus;
using namespace nexus::wal;
using nexus::test::make_entry;

namespace {

bool always(location) {
  return true;
}
bool never(location) {
  return false;
}

location place(std::uint64_t n) {
  return {static_cast<std::uint32_t>(n / 1000), 100, n};
}

pending_index::position add(pending_index& index, const entry_name& name, location where,
                            std::uint32_t seconds, const std::function<bool(location)>& same_key) {
  return index.add(name, index.hashes_of(name), where, seconds, same_key);
}

std::vector<std::uint64_t> offsets(const pending_index& index,
                                   std::optional<std::string_view> destination = {}) {
  std::vector<std::uint64_t> out;
  for (auto next = index.next(0, destination); next; next = index.next(next->at + 1, destination))
    out.push_back(next->where.offset);
  return out;
}

}  // namespace

TEST_CASE("entries come in the order of their appends, for one destination or for all") {
  pending_index index;
  CHECK_FALSE(index.next(0, {}));
  for (std::uint64_t i = 0; i < 10; ++i)
    add(index, make_entry("p" + std::to_string(i), {}, i % 2 ? "odd" : "even"), place(i),
              100 + static_cast<std::uint32_t>(i), always);
  CHECK(index.size() == 10);
  CHECK(offsets(index) == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(offsets(index, "odd") == std::vector<std::uint64_t>{1, 3, 5, 7, 9});
  CHECK(offsets(index, "none").empty());
  CHECK(index.destinations() == std::vector<std::string>{"even", "odd"});
  CHECK(index.oldest_seconds() == 100u);
  CHECK(index.remove("p0", "even").size() == 1);
  CHECK(index.oldest_seconds() == 101u);
}

TEST_CASE("an entry leaves once, for the destination that was named or for all") {
  pending_index index;
  add(index, make_entry("p", {}, "a"), place(1), 0, always);
  add(index, make_entry("p", {}, "b"), place(2), 0, always);
  add(index, make_entry("p", {}, "c"), place(3), 0, always);
  auto gone = index.remove("p", "b");
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].where == place(2));
  CHECK(index.remove("p", "b").empty());
  CHECK(index.remove("q", "").empty());
  CHECK(index.remove("p", "").size() == 2);
  CHECK(index.size() == 0);
  CHECK(index.destinations().empty());
  CHECK_FALSE(index.oldest_seconds());
}

TEST_CASE("entries with the same name are all kept and leave together") {
  pending_index index;
  for (std::uint64_t i = 0; i < 3; ++i) add(index, make_entry("p"), place(i), 0, always);
  CHECK(index.size() == 3);
  for (std::uint64_t i = 0; i < 3; ++i) CHECK(index.contains("p", "sqlite", place(i)));
  CHECK_FALSE(index.contains("p", "sqlite", place(9)));
  CHECK(index.remove("p", "sqlite").size() == 3);
}

TEST_CASE(
    "an entry follows a pending one with its source, destination and key, and leaves with it") {
  pending_index index;
  add(index, make_entry("a", "k"), place(1), 0, always);
  add(index, make_entry("b", "k"), place(2), 0, always);
  add(index, make_entry("c", "k", "other"), place(3), 0, always);
  auto another = make_entry("d", "k");
  another.source = "someone else";
  add(index, another, place(4), 0, always);
  add(index, make_entry("e", ""), place(5), 0, always);
  add(index, make_entry("f", ""), place(6), 0, always);
  CHECK(offsets(index) == std::vector<std::uint64_t>{1, 3, 4, 5, 6});
  CHECK(index.size() == 5);
  CHECK(index.contains("b", "sqlite", place(2)));
  auto gone = index.remove("a", "sqlite");
  REQUIRE(gone.size() == 2);
  CHECK(gone[0].follower_id.empty());
  CHECK(gone[1].follower_id == "b");
  CHECK_FALSE(index.contains("b", "sqlite", place(2)));
  // The key is free again.
  add(index, make_entry("g", "k"), place(7), 0, always);
  CHECK(offsets(index) == std::vector<std::uint64_t>{3, 4, 5, 6, 7});
}

TEST_CASE("an entry whose key only seems to be the same does not follow") {
  pending_index index;
  add(index, make_entry("a", "k"), place(1), 0, never);
  add(index, make_entry("b", "k"), place(2), 0, never);
  CHECK(index.size() == 2);
}

TEST_CASE("a follower can be removed by itself, and its leader stays") {
  pending_index index;
  add(index, make_entry("a", "k"), place(1), 0, always);
  add(index, make_entry("b", "k"), place(2), 0, always);
  CHECK(index.remove("b", "sqlite").size() == 1);
  CHECK(offsets(index) == std::vector<std::uint64_t>{1});
  CHECK(index.remove("a", "sqlite").size() == 1);
}

TEST_CASE("an entry stays known when another of the same name has left with its leader") {
  pending_index index;
  add(index, make_entry("a", "k1"), place(1), 0, always);
  add(index, make_entry("b", "k1"), place(2), 0, always);  // follows a
  add(index, make_entry("b", "k2"), place(3), 0, always);  // the same name, another key
  CHECK(index.remove("a", "sqlite").size() == 2);
  CHECK(offsets(index) == std::vector<std::uint64_t>{3});
  CHECK(index.contains("b", "sqlite", place(3)));
  CHECK(index.relocate("b", "sqlite", place(3), place(4)));
  CHECK(index.remove("b", "sqlite").size() == 1);
  CHECK(index.size() == 0);
}

TEST_CASE("a line that moved is found at its new place only") {
  pending_index index;
  add(index, make_entry("a"), place(1), 0, always);
  CHECK(index.relocate("a", "sqlite", place(1), place(7)));
  CHECK_FALSE(index.relocate("a", "sqlite", place(1), place(8)));
  CHECK_FALSE(index.contains("a", "sqlite", place(1)));
  CHECK(index.contains("a", "sqlite", place(7)));
  CHECK(offsets(index) == std::vector<std::uint64_t>{7});
  CHECK_FALSE(index.relocate("b", "sqlite", place(7), place(9)));
}

TEST_CASE("an entry that is withheld is not handed on, and leaves its name without a gap") {
  pending_index index;
  auto at = add(index, make_entry("a"), place(1), 0, always);
  add(index, make_entry("a"), place(2), 0, always);
  index.withhold(at);
  index.withhold(at);
  index.withhold(at + 100);
  CHECK(index.size() == 1);
  CHECK(offsets(index) == std::vector<std::uint64_t>{2});
  CHECK(index.contains("a", "sqlite", place(2)));
  CHECK(index.remove("a", "sqlite").size() == 2);
  CHECK(index.size() == 0);
}

TEST_CASE("a million entries take at most 96 bytes each, and nothing when they are gone") {
  constexpr std::uint64_t count = 1'000'000;
  auto in_use = [] {
    auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  auto before = in_use();
  if (before == 0) return;  // a sanitizer's allocator, which does not tell
  pending_index index;
  auto entry = make_entry("", "");
  auto name = [](std::uint64_t i) { return "0123456789abcdef" + std::to_string(i); };
  for (std::uint64_t i = 0; i < count; ++i) {
    entry.payload_id = name(i);
    entry.idempotency_key = name(i);
    add(index, entry, place(i), 0, never);
  }
  auto bytes = static_cast<double>(in_use() - before) / static_cast<double>(count);
  INFO(bytes << " bytes an entry");
  CHECK(bytes <= 96);
  auto full = in_use();
  for (std::uint64_t i = 0; i < count; ++i) REQUIRE(index.remove(name(i), "sqlite").size() == 1);
  CHECK(index.size() == 0);
  CHECK(full - in_use() >= 47 * count);  // the records themselves; the hash tables keep their room
}

TEST_CASE("chunks are freed wherever they empty, and positions stay what they were") {
  std::mt19937 random(7);
  pending_index index;
  std::map<std::uint64_t, std::string> expected;
  std::uint64_t offset = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (random() % 3 || expected.empty()) {
      auto id = "p" + std::to_string(offset);
      auto at = add(index, make_entry(id), place(offset), 0, always);
      CHECK(at == offset);
      expected[offset++] = id;
    } else {
      auto victim = std::next(
          expected.begin(),
          static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(expected.size(), 600)));
      REQUIRE(index.remove(victim->second, "sqlite").size() == 1);
      expected.erase(victim);
    }
    REQUIRE(index.size() == expected.size());
  }
  std::vector<std::uint64_t> left;
  for (const auto& [at, id] : expected) left.push_back(at);
  CHECK(offsets(index) == left);
  CHECK(index.end() == offset);
}

TEST_CASE("the bytes of what is pending are those of its lines, also when lines move") {
  pending_index index;
  CHECK(index.bytes() == 0);
  add(index, make_entry("a"), {1, 100, 0}, 0, always);
  add(index, make_entry("b"), {1, 50, 101}, 0, always);
  CHECK(index.bytes() == 152);
  CHECK(index.relocate("b", "sqlite", {1, 50, 101}, {2, 70, 0}));
  CHECK(index.bytes() == 172);
  CHECK(index.remove("b", "sqlite").size() == 1);
  CHECK(index.bytes() == 101);
  CHECK(index.remove("a", "").size() == 1);
  CHECK(index.bytes() == 0);
}

TEST_CASE("the bytes of what is not handed on are not counted, and not taken off twice") {
  pending_index index;
  const auto named = [](const std::string& id) { return make_entry(id, "key"); };
  add(index, named("leader"), {1, 100, 0}, 0, always);
  add(index, named("follower"), {1, 200, 101}, 0, always);
  const auto damaged = add(index, make_entry("damaged"), {1, 50, 302}, 0, always);
  CHECK(index.size() == 2);
  CHECK(index.bytes() == 152);
  index.withhold(damaged);
  index.withhold(damaged);
  CHECK(index.size() == 1);
  CHECK(index.bytes() == 101);
  CHECK(index.relocate("damaged", "sqlite", {1, 50, 302}, {2, 70, 0}));
  CHECK(index.relocate("follower", "sqlite", {1, 200, 101}, {2, 300, 71}));
  CHECK(index.bytes() == 101);
  CHECK(index.remove("damaged", "").size() == 1);
  CHECK(index.bytes() == 101);
  CHECK(index.remove("leader", "").size() == 2);
  CHECK(index.bytes() == 0);
  CHECK(index.size() == 0);
}
