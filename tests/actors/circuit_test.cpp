#include "actors/circuit.hpp"

#include "tests/support/catch.hpp"

using namespace nexus::actors;
using namespace std::chrono_literals;
using phase = circuit::phase;
using word = nexus::actors::destination_status::circuit;

TEST_CASE("a circuit opens after so many failures in a row, and half-opens for one probe") {
  circuit is({3, 1'000ms, 8'000ms, 30'000ms});
  CHECK_FALSE(is.failed(1, phase::waiting, 0ms, false, 0.5));
  CHECK_FALSE(is.failed(2, phase::waiting, 0ms, false, 0.5));
  CHECK(is.breaker() == word::closed);
  CHECK_FALSE(is.answered());
  CHECK_FALSE(is.failed(3, phase::waiting, 0ms, false, 0.5));
  CHECK_FALSE(is.failed(4, phase::waiting, 0ms, false, 0.5));
  CHECK(is.failed(5, phase::waiting, 0ms, false, 0.5) == 500ms);
  CHECK(is.breaker() == word::open);
  CHECK_FALSE(is.lets_through());
  CHECK_FALSE(is.failed(6, phase::waiting, 0ms, false, 0.5));  // went before it opened
  is.resume();
  CHECK(is.breaker() == word::half_open);
  CHECK(is.probe_due());
  is.sent(7);
  CHECK_FALSE(is.lets_through());
  CHECK(is.failed(7, phase::waiting, 0ms, false, 0.5) == 1'000ms);
  is.resume();
  is.sent(8);
  CHECK(is.answered());
  CHECK(is.breaker() == word::closed);
}

TEST_CASE("a circuit opens at once for a wrong configuration, and where it is asked to") {
  circuit wrong({3, 1'000ms, 8'000ms, 30'000ms});
  CHECK(wrong.failed(1, phase::misconfigured, 0ms, false, 0.5) == 30'000ms);
  CHECK(wrong.state() == phase::misconfigured);
  circuit busy({3, 1'000ms, 8'000ms, 30'000ms});
  CHECK(busy.failed(1, phase::waiting, 20'000ms, false, 0.5) == 20'000ms);
}

TEST_CASE(
    "a circuit waits longer after each failed probe, and batches sent before change nothing") {
  circuit breaker({1, 1'000ms, 4'000ms, 30'000ms});
  breaker.sent(1);
  breaker.sent(2);
  CHECK(breaker.failed(1, phase::waiting, 0ms, false, 1.0) == 1'000ms);
  CHECK_FALSE(breaker.lets_through());
  CHECK_FALSE(breaker.failed(2, phase::waiting, 0ms, false, 1.0));
  for (auto expected : {2'000ms, 4'000ms, 4'000ms}) {
    breaker.resume();
    REQUIRE(breaker.lets_through());
    breaker.sent(3);
    CHECK_FALSE(breaker.lets_through());
    CHECK(breaker.failed(3, phase::waiting, 0ms, false, 1.0) == expected);
  }
  CHECK(breaker.answered());
  CHECK(breaker.lets_through());
  CHECK_FALSE(breaker.answered());
}

TEST_CASE("a circuit leaves a destination alone for as long as it asked") {
  circuit breaker({1, 1'000ms, 4'000ms, 30'000ms});
  CHECK(breaker.failed(1, circuit::phase::waiting, 90'000ms, false, 0.5) == 90'000ms);
  breaker.resume();
  breaker.sent(2);
  breaker.lost(2);
  CHECK(breaker.lets_through());
}
