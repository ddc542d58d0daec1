#include "ingest/idempotency.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/catch.hpp"

using namespace nexus::ingest;
using claim = idempotency_store::claim;
using namespace std::chrono_literals;

namespace {

void no_waiting(idempotency_store::turn) {
  FAIL("nobody holds this key");
}

std::string numbered(std::string name, std::size_t number) {
  return name += std::to_string(number);
}

/// The claim on a key that nobody holds.
claim take(idempotency_store& store, std::string_view source, std::string_view key) {
  auto turn = store.enter(source, key, 300s, no_waiting);
  REQUIRE(turn);
  REQUIRE(std::holds_alternative<claim>(*turn));
  return std::get<claim>(std::move(*turn));
}

/// What a settled key stands for; empty: it is not settled.
std::string known(idempotency_store& store, std::string_view source, std::string_view key) {
  auto turn = store.enter(source, key, 300s, [](idempotency_store::turn) {});
  if (!turn || !std::holds_alternative<idempotency_store::original>(*turn)) return "";
  return std::get<idempotency_store::original>(*turn).payload_id;
}

}  // namespace

TEST_CASE("a settled key stands for its payload") {
  idempotency_store store(100);
  take(store, "a", "k").settle({"id-1", {}});
  CHECK(known(store, "a", "k") == "id-1");
  CHECK(store.size() == 1);
}

TEST_CASE("keys belong to their source") {
  idempotency_store store(100);
  take(store, "a", "k").settle({"id-1", {}});
  CHECK(known(store, "b", "k").empty());
  take(store, "ab", "c").settle({"id-2", {}});
  CHECK(known(store, "a", "bc").empty());
}

TEST_CASE("a dropped claim leaves the key free") {
  idempotency_store store(100);
  { const claim dropped = take(store, "a", "k"); }
  take(store, "a", "k").settle({"id-2", {}});
  CHECK(known(store, "a", "k") == "id-2");
}

TEST_CASE("requests with a key that is in flight wait, and get what it is settled to") {
  idempotency_store store(100);
  claim first = take(store, "a", "k");
  std::vector<std::string> told;
  for (int i = 0; i < 3; ++i)
    CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
      told.push_back(std::get<idempotency_store::original>(turn).payload_id);
    }));
  CHECK(told.empty());
  first.settle({"id-1", {}});
  CHECK(told == std::vector<std::string>(3, "id-1"));
}

TEST_CASE(
    "when the first request fails, the next in line gets the claim, the others go on waiting") {
  idempotency_store store(100);
  claim first = take(store, "a", "k");
  claim second;
  std::string third;
  CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
    second = std::get<claim>(std::move(turn));
  }));
  CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
    third = std::get<idempotency_store::original>(turn).payload_id;
  }));
  first = claim();
  CHECK(third.empty());
  second.settle({"id-2", {}});
  CHECK(third == "id-2");
}

TEST_CASE("any number of waiters may fail one after the other without deep recursion") {
  idempotency_store store(100);
  claim first = take(store, "a", "k");
  int failed = 0;
  for (int i = 0; i < 100'000; ++i)
    CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
      CHECK(std::holds_alternative<claim>(turn));
      ++failed;
    }));
  first = claim();
  CHECK(failed == 100'000);
  take(store, "a", "k").settle({"id", {}});
}

TEST_CASE("a waiter that settles at once, while the failed one hands over, settles for all") {
  idempotency_store store(100);
  claim first = take(store, "a", "k");
  std::string last;
  CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
    std::get<claim>(turn).settle({"id-2", {}});
  }));
  CHECK_FALSE(store.enter("a", "k", 300s, [&](idempotency_store::turn turn) {
    last = std::get<idempotency_store::original>(turn).payload_id;
  }));
  first = claim();
  CHECK(last == "id-2");
  CHECK(known(store, "a", "k") == "id-2");
}

TEST_CASE("above the limit the keys that were settled first are forgotten") {
  idempotency_store store(3);
  claim in_flight = take(store, "a", "flying");
  for (std::size_t i = 0; i < 5; ++i)
    take(store, "a", numbered("k", i)).settle({numbered("id", i), {}});
  CHECK(store.size() == 3);
  for (std::size_t i = 2; i < 5; ++i)
    CHECK(known(store, "a", numbered("k", i)) == numbered("id", i));
  CHECK(known(store, "a", "k1").empty());
  in_flight.settle({"id-f", {}});
  CHECK(known(store, "a", "flying") == "id-f");
}

TEST_CASE("a restored key stands for the payload of the earlier run that was written last") {
  idempotency_store store(100);
  const auto now = nexus::core::now();
  store.restore("a", "k", 300s, {"id-1", {}}, now - 2s);
  store.restore("a", "k", 300s, {"id-2", {}}, now - 1s);
  store.restore("a", "k", 300s, {"id-1", {}}, now - 2s);  // redriven: its old time
  CHECK(known(store, "a", "k") == "id-2");
  CHECK(store.size() == 1);
}

TEST_CASE("of many threads with the same keys, exactly one settles each key and all see its id") {
  idempotency_store store(1'000);
  constexpr std::size_t keys = 200;
  constexpr int threads = 8;
  std::vector<std::atomic<int>> settled(keys);
  std::vector<std::atomic<int>> told(keys);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&, t] {
      for (std::size_t k = 0; k < keys; ++k) {
        const std::string id = numbered("id-", k);
        const std::function<void(idempotency_store::turn)> act =
            [&, t, k, id](idempotency_store::turn turn) {
              ++told[k];
              if (auto* mine = std::get_if<claim>(&turn)) {
                if (t % 2 == 0 && told[k] < threads) return;  // fails: the claim is dropped
                ++settled[k];
                mine->settle({id, {}});
              } else if (std::get<idempotency_store::original>(turn).payload_id != id) {
                ++wrong;
              }
            };
        if (auto turn = store.enter("a", numbered("k", k), 300s, act)) act(std::move(*turn));
      }
    });
  for (auto& one : crowd) one.join();
  CHECK(wrong == 0);
  for (std::size_t k = 0; k < keys; ++k) {
    CHECK(settled[k] == 1);
    CHECK(told[k] == threads);
  }
}
