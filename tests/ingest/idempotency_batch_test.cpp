// Requests that need several keys at once.
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/idempotency.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::ingest;
using namespace std::chrono_literals;
using claim = idempotency_store::claim;
using original = idempotency_store::original;
using repetition = idempotency_store::repetition;
using turns = std::vector<idempotency_store::item_turn>;
using keys = std::vector<std::string>;

namespace {

void never() {
  FAIL("nobody holds these keys");
}

turns take_all(idempotency_store& store, const keys& all) {
  auto got = store.enter_all("a", all, 300s, never);
  REQUIRE(got.has_value());
  REQUIRE(got->size() == all.size());
  return std::move(*got);
}

}  // namespace

TEST_CASE("several keys are taken in one step, each with its own turn") {
  idempotency_store store(100);
  auto first = take_all(store, {"old"});
  std::get<claim>(first[0]).settle({"id-old", {}});
  auto got = take_all(store, {"new", "old", "", "new", ""});
  CHECK(std::holds_alternative<claim>(got[0]));
  CHECK(std::get<original>(got[1]).payload_id == "id-old");
  CHECK(std::get<repetition>(got[3]).of == 0);
  std::get<claim>(got[2]).settle({"without a key", {}});
  std::get<claim>(got[4]).settle({"without a key", {}});
  CHECK(store.size() == 1);
  std::get<claim>(got[0]).settle({"id-new", {}});
  CHECK(std::get<original>(take_all(store, {"new"})[0]).payload_id == "id-new");
}

TEST_CASE("several claims are settled in one step, and whoever waits for one of them is told") {
  idempotency_store store(100);
  auto got = take_all(store, {"a", "", "b", "c"});
  std::optional<original> single;
  int told = 0;
  CHECK_FALSE(store.enter("a", "b", 300s, [&](idempotency_store::turn turn) {
    // Those settled with it are settled, too.
    CHECK(std::get<original>(take_all(store, {"c"})[0]).payload_id == "not of our making");
    single = std::get<original>(std::move(turn));
  }));
  CHECK_FALSE(store.enter_all("a", keys{"a", "d"}, 300s, [&] { ++told; }).has_value());
  const idempotency_store::body_digest body{1};
  const std::string id = "0123456789abcdef0123456789abcdef";
  std::array<idempotency_store::settlement, 4> each{
      {{std::get<claim>(std::move(got[0])), "id-a", {}},
       {std::get<claim>(std::move(got[1])), "without a key", {}},
       {std::get<claim>(std::move(got[2])), id, body},
       {std::get<claim>(std::move(got[3])), "not of our making", {}}}};
  idempotency_store::settle_all(each);
  CHECK(store.size() == 3);
  REQUIRE(single);
  CHECK(single->payload_id == id);
  CHECK(single->body == body);
  CHECK(told == 1);
  CHECK(std::get<original>(take_all(store, {"a"})[0]).payload_id == "id-a");
}

TEST_CASE("while one of the keys is held nothing is taken, and its end is told once") {
  idempotency_store store(100);
  auto single = store.enter("a", "B", 300s, [](auto) { FAIL("nobody holds this key"); });
  REQUIRE(single);
  int told = 0;
  CHECK_FALSE(store.enter_all("a", keys{"A", "B"}, 300s, [&] { ++told; }).has_value());
  {
    auto other = store.enter("a", "A", 300s, [](auto) { FAIL("nobody holds this key"); });
    REQUIRE(other);
    CHECK(std::holds_alternative<claim>(*other));
  }
  CHECK(told == 0);
  SECTION("settled") {
    std::get<claim>(*single).settle({"id-b", {}});
    CHECK(told == 1);
    auto got = take_all(store, {"A", "B"});
    CHECK(std::get<original>(got[1]).payload_id == "id-b");
  }
  SECTION("dropped") {
    single.reset();
    CHECK(told == 1);
    auto got = take_all(store, {"A", "B"});
    CHECK(std::holds_alternative<claim>(got[1]));
  }
  CHECK(told == 1);
}

TEST_CASE("a single request in line gets a dropped key before those that need several") {
  idempotency_store store(100);
  auto first = store.enter("a", "k", 300s, nullptr);
  claim second;
  int told = 0;
  CHECK_FALSE(store.enter_all("a", keys{"k"}, 300s, [&] { ++told; }).has_value());
  CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
    second = std::get<claim>(std::move(turn));
  }));
  first.reset();
  CHECK(told == 0);
  second.settle({"id", {}});
  CHECK(told == 1);
}

TEST_CASE("one that is told of the end may ask again in that very call") {
  idempotency_store store(100);
  auto first = store.enter("a", "k", 300s, nullptr);
  std::optional<turns> got;
  const auto again = [&] { got = store.enter_all("a", keys{"k", "l"}, 300s, never); };
  CHECK_FALSE(store.enter_all("a", keys{"k", "l"}, 300s, again).has_value());
  first.reset();
  REQUIRE(got.has_value());
  CHECK(std::holds_alternative<claim>((*got)[0]));
  CHECK(std::holds_alternative<claim>((*got)[1]));
}

TEST_CASE("a failed item frees its key, the others keep theirs") {
  idempotency_store store(100);
  auto got = take_all(store, {"good", "bad"});
  std::get<claim>(got[0]).settle({"id", {}});
  got.clear();
  auto next = take_all(store, {"good", "bad"});
  CHECK(std::holds_alternative<original>(next[0]));
  CHECK(std::holds_alternative<claim>(next[1]));
}

namespace {

/// A request for several keys, as the door makes one: it ends in whatever thread has the turns.
struct several : std::enable_shared_from_this<several> {
  idempotency_store& store;
  const keys wanted;
  const bool fails;
  std::atomic<int>& ended;
  std::atomic<int>& settled;

  several(idempotency_store& in, keys all, bool fail, std::atomic<int>& ends,
          std::atomic<int>& settles)
      : store(in), wanted(std::move(all)), fails(fail), ended(ends), settled(settles) {}

  void run() {
    auto got = store.enter_all("a", wanted, 300s, [self = shared_from_this()] { self->run(); });
    if (!got) return;
    for (auto& one : *got) {
      auto* mine = std::get_if<claim>(&one);
      if (mine == nullptr || fails) continue;
      ++settled;
      mine->settle({"id", {}});
    }
    ++ended;
  }
};

}  // namespace

TEST_CASE("requests that need the same keys in different orders all end, and agree") {
  idempotency_store store(10'000);
  const std::array<keys, 4> orders{keys{"A", "B", "C"}, keys{"C", "B", "A"}, keys{"B", "A", "B"},
                                   keys{"C", "A"}};
  std::atomic<int> ended = 0;
  std::atomic<int> settled = 0;
  std::vector<std::thread> crowd;
  for (std::size_t t = 0; t < 8; ++t)
    crowd.emplace_back([&, t] {
      for (std::size_t round = 0; round < 500; ++round) {
        keys wanted = orders[(t + round) % orders.size()];
        for (auto& one : wanted) one += std::to_string(round);
        const bool fails = (t + round) % 3 == 0;
        std::make_shared<several>(store, std::move(wanted), fails, ended, settled)->run();
      }
    });
  for (auto& one : crowd) one.join();
  CHECK(ended == 8 * 500);
  CHECK(settled == static_cast<int>(store.size()));
}
