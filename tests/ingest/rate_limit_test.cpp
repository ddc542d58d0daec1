#include "ingest/rate_limit.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::ingest;
using namespace std::chrono_literals;

namespace {

struct limiter_test {
  std::chrono::steady_clock::time_point now{};
  rate_limiter limiter{[this] { return now; }};
};

}  // namespace

TEST_CASE("a window takes as many requests as its limit, then says how long to wait") {
  limiter_test t;
  for (int i = 0; i < 3; ++i) CHECK_FALSE(t.limiter.count("a", 3));
  CHECK(t.limiter.count("a", 3) == 60);
  t.now += 500ms;
  CHECK(t.limiter.count("a", 3) == 60);
  t.now += 29500ms;
  CHECK(t.limiter.count("a", 3) == 31);
  t.now += 29999ms;
  CHECK(t.limiter.count("a", 3) == 1);
  t.now += 1ms;
  CHECK_FALSE(t.limiter.count("a", 3));
}

TEST_CASE("a window starts at the first request of its key, not at the minute") {
  limiter_test t;
  CHECK_FALSE(t.limiter.count("a", 1));
  t.now += 59s;
  CHECK_FALSE(t.limiter.count("b", 1));
  t.now += 1s;
  CHECK_FALSE(t.limiter.count("a", 1));
  CHECK(t.limiter.count("b", 1) == 60);
}

TEST_CASE("a changed limit applies from the next window on, whose first request always passes") {
  limiter_test t;
  CHECK_FALSE(t.limiter.count("a", 2));
  CHECK_FALSE(t.limiter.count("a", 1));
  CHECK(t.limiter.count("a", 100));
  t.now += 60s;
  CHECK_FALSE(t.limiter.count("a", 0));
  CHECK(t.limiter.count("a", 100));
}

TEST_CASE("the limiter holds one record a key however many requests it counts") {
  limiter_test t;
  for (int i = 0; i < 1000; ++i) {
    t.limiter.count("a", 5);
    t.limiter.count("b", 5);
    t.now += 10s;
  }
  CHECK(t.limiter.size() == 2);
}
