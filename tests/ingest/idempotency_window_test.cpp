// How long a key stands for its payload, and what is remembered of it.
#include <chrono>
#include <string>

#include "core/random.hpp"
#include "ingest/idempotency.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::ingest;
using namespace std::chrono_literals;
using claim = idempotency_store::claim;
using original = idempotency_store::original;

namespace {

/// A store whose clock the test sets.
struct timed_store {
  nexus::core::time_point now{std::chrono::seconds(1'767'225'600)};
  idempotency_store store;

  explicit timed_store(std::size_t keys_max = 1'000) : store(keys_max, [this] { return now; }) {}

  void settle(const std::string& key, std::chrono::seconds window, const std::string& id) {
    auto turn = store.enter("a", key, window, [](auto) { FAIL("nobody holds this key"); });
    REQUIRE(turn);
    REQUIRE(std::holds_alternative<claim>(*turn));
    std::get<claim>(*turn).settle({id, {}});
  }

  /// What the key stands for; empty: it is free.
  std::string known(const std::string& key) {
    auto turn = store.enter("a", key, 300s, [](auto) { FAIL("nobody holds this key"); });
    REQUIRE(turn);
    const auto* written = std::get_if<original>(&*turn);
    return written ? written->payload_id : "";
  }
};

}  // namespace

TEST_CASE("a key stands for its payload until its window is over, and is free again then") {
  timed_store in;
  in.settle("k", 10s, "id-1");
  in.now += 9'999ms;
  CHECK(in.known("k") == "id-1");
  in.now += 1ms;
  CHECK(in.known("k").empty());
  in.settle("k", 10s, "id-2");
  in.now += 5s;
  CHECK(in.known("k") == "id-2");
}

TEST_CASE("a question does not make a key's window longer") {
  timed_store in;
  in.settle("k", 10s, "id-1");
  for (int i = 0; i < 9; ++i) {
    in.now += 1s;
    CHECK(in.known("k") == "id-1");
  }
  in.now += 1s;
  CHECK(in.known("k").empty());
}

TEST_CASE("a key with the window 0 never expires") {
  timed_store in;
  in.settle("k", 0s, "id-1");
  in.now += std::chrono::hours(24 * 365 * 20);
  in.settle("other", 1s, "id-2");
  CHECK(in.known("k") == "id-1");
}

TEST_CASE("keys with different windows expire each in its own time") {
  timed_store in;
  in.settle("long", 100s, "id-l");
  in.settle("short", 10s, "id-s");
  in.now += 50s;
  CHECK(in.known("long") == "id-l");
  CHECK(in.known("short").empty());
}

TEST_CASE("a window that began with a waiter's claim is as long as any other") {
  timed_store in;
  auto first = in.store.enter("a", "k", 10s, nullptr);
  CHECK_FALSE(in.store.enter("a", "k", 10s, [](idempotency_store::turn turn) {
    std::get<claim>(turn).settle({"id-1", {}});
  }));
  first.reset();
  in.now += 9s;
  CHECK(in.known("k") == "id-1");
  in.now += 1s;
  CHECK(in.known("k").empty());
}

TEST_CASE("windows that come and go leave the keys of the others alone") {
  timed_store in;
  in.settle("for ever", 0s, "id-0");
  for (int i = 1; i <= 50; ++i) {
    INFO(i);
    const auto window = std::chrono::seconds(i);
    const auto key = "key-" + std::to_string(i);
    in.settle(key, window, "id-1");
    in.settle(key + "-too", window, "id-2");
    in.now += window - 1ms;
    CHECK(in.known(key) == "id-1");
    in.now += 1ms;
    CHECK(in.known(key).empty());
    in.settle(key, 0s, "id-3");  // forgets the one that nobody has asked for
    CHECK(in.known(key) == "id-3");
    CHECK(in.store.size() == static_cast<std::size_t>(i) + 1);
  }
  CHECK(in.known("for ever") == "id-0");
}

TEST_CASE("expired keys are forgotten while others are settled, without being asked for") {
  timed_store in(1'000'000);
  for (int i = 0; i < 10'000; ++i) in.settle("old" + std::to_string(i), 10s, "id");
  CHECK(in.store.size() == 10'000);
  in.now += 10s;
  for (int i = 0; i < 5'000; ++i) in.settle("new" + std::to_string(i), 10s, "id");
  CHECK(in.store.size() == 5'000);
}

TEST_CASE("above the limit the key that was settled first goes, whatever its window") {
  timed_store in(2);
  in.settle("for ever", 0s, "id-1");
  in.now += 1s;
  in.settle("short", 1'000s, "id-2");
  in.now += 1s;
  in.settle("middle", 2'000s, "id-3");
  CHECK(in.store.size() == 2);
  CHECK(in.known("for ever").empty());
  CHECK(in.known("short") == "id-2");
  in.now += 1s;
  in.settle("for ever", 0s, "id-4");
  CHECK(in.known("short").empty());
  CHECK(in.known("middle") == "id-3");
  CHECK(in.known("for ever") == "id-4");
}

TEST_CASE("a key that expired and was settled anew is not forgotten with its old time") {
  timed_store in;
  in.settle("k", 10s, "id-1");
  in.now += 10s;
  in.settle("k", 10s, "id-2");
  in.now += 1s;
  for (int i = 0; i < 10; ++i) in.settle("other" + std::to_string(i), 10s, "id");
  CHECK(in.known("k") == "id-2");
}

TEST_CASE("payload ids of any form are given back as they were") {
  timed_store in;
  const std::string ours = nexus::core::random_hex(16);
  const std::string zero(32, '0');
  const std::string upper(32, 'A');
  for (const auto& id : {ours, zero, upper, std::string("id with spaces"), std::string()}) {
    in.settle("key of " + id, 10s, id);
  }
  for (const auto& id : {ours, zero, upper, std::string("id with spaces")})
    CHECK(in.known("key of " + id) == id);
}

TEST_CASE("a restored key stands for its payload for what is left of its window") {
  timed_store in;
  in.store.restore("a", "k", 10s, {"id-1", {}}, in.now - 8s);
  in.store.restore("a", "gone", 10s, {"id-2", {}}, in.now - 10s);
  CHECK(in.store.size() == 1);
  CHECK(in.known("gone").empty());
  in.now += 1s;
  CHECK(in.known("k") == "id-1");
  in.now += 1s;
  CHECK(in.known("k").empty());
}

TEST_CASE("restored keys that never expire stand for what was written last, too") {
  timed_store in;
  in.store.restore("a", "k", 0s, {"second", {}}, in.now - 5s);
  in.store.restore("a", "k", 0s, {"first", {}}, in.now - 15s);
  CHECK(in.known("k") == "second");
}

TEST_CASE("a time in the future counts as now") {
  timed_store in;
  in.store.restore("a", "k", 10s, {"id-1", {}}, in.now + 1'000s);
  in.now += 10s;
  CHECK(in.known("k").empty());
}

TEST_CASE("a key whose window is over is free again, also where its next claim is dropped") {
  timed_store timed;
  timed.settle("k", 10s, "first");
  CHECK(timed.store.size() == 1);
  timed.now += 10s;
  {
    const auto dropped = timed.store.enter("a", "k", 10s, nullptr);
    REQUIRE(dropped);
    CHECK(std::holds_alternative<claim>(*dropped));
    CHECK(timed.store.size() == 0);
  }
  timed.settle("k", 10s, "second");
  CHECK(timed.store.size() == 1);
  const auto known = timed.store.enter("a", "k", 10s, nullptr);
  REQUIRE(known);
  CHECK(std::get<original>(*known).payload_id == "second");
}
