#include "destinations/retry.hpp"

#include <cmath>
#include <limits>

#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace std::chrono_literals;

namespace {

outcome refused(outcome_kind kind) {
  return {kind, "why", {}};
}

constexpr double just_below_one = 0.999'999'999;

}  // namespace

TEST_CASE("the delay's upper bound doubles with each attempt until it is capped") {
  const retry_policy policy{10, 1s, 60s};
  // Half of the bound: the middle of the jitter.
  CHECK(next_delay(policy, 1, 0.5) == 500ms);
  CHECK(next_delay(policy, 2, 0.5) == 1s);
  CHECK(next_delay(policy, 3, 0.5) == 2s);
  CHECK(next_delay(policy, 6, 0.5) == 16s);
  CHECK(next_delay(policy, 7, 0.5) == 30s);
  CHECK(next_delay(policy, 8, 0.5) == 30s);
  CHECK(next_delay(policy, std::numeric_limits<std::uint32_t>::max(), 0.5) == 30s);
}

TEST_CASE("the jitter is full: from nothing up to the bound, which it does not reach") {
  const retry_policy policy{};
  CHECK(next_delay(policy, 3, 0.0) == 0ms);
  CHECK(next_delay(policy, 3, just_below_one) == 3'999ms);
}

TEST_CASE("the delay is never shorter than the destination asked for") {
  const retry_policy policy{};
  CHECK(next_delay(policy, 1, 0.0, 7s) == 7s);
  CHECK(next_delay(policy, 4, 0.5, 1s) == 4s);
  CHECK(next_delay(policy, 1, 0.0, 5min) == 5min);
}

TEST_CASE("what the destination asks for is cut to an hour, and nonsense is ignored") {
  const retry_policy policy{};
  CHECK(next_delay(policy, 1, 0.0, std::chrono::hours(24 * 365)) == retry_after_max);
  CHECK(next_delay(policy, 1, 0.0, std::chrono::milliseconds::max()) == 1h);
  CHECK(next_delay(policy, 1, 0.5, -5s) == 500ms);
}

TEST_CASE("extreme policies neither overflow nor go below zero") {
  const auto longest = std::chrono::milliseconds::max();
  CHECK(next_delay({5, 1ms, longest}, 4'000'000'000U, 0.0) == 0ms);
  CHECK(next_delay({5, 1ms, longest}, 40, 0.5) == std::chrono::milliseconds(1LL << 38));
  CHECK(next_delay({5, 0ms, 60s}, 9, 0.5) == 0ms);
  CHECK(next_delay({5, 10s, 1s}, 1, 0.5) == 500ms);
  CHECK(next_delay({5, -1s, 60s}, 3, 0.5) == 0ms);
}

TEST_CASE("a delivered entry is done") {
  CHECK(judge({}, refused(outcome_kind::delivered), 0, 0.5).what == reaction::done);
}

TEST_CASE("a transient refusal is tried again until the attempts are used up") {
  const retry_policy policy{3, 1s, 60s};
  const auto first = judge(policy, refused(outcome_kind::transient), 0, 0.5);
  CHECK(first.what == reaction::retry);
  CHECK(first.delay == 500ms);
  CHECK(first.attempts == 1);
  CHECK(first.reason == "why");
  const auto second = judge(policy, refused(outcome_kind::transient), first.attempts, 0.5);
  CHECK(second.what == reaction::retry);
  CHECK(second.delay == 1s);
  const auto third = judge(policy, refused(outcome_kind::transient), second.attempts, 0.5);
  CHECK(third.what == reaction::dead_letter);
  CHECK(third.attempts == 3);
  CHECK(third.reason == "gave up after attempt 3: why");
}

TEST_CASE("a retry waits as long as the destination asked for") {
  const auto next = judge({}, {outcome_kind::transient, "busy", 9s}, 0, 0.5);
  CHECK(next.what == reaction::retry);
  CHECK(next.delay == 9s);
}

TEST_CASE("attempts on an unreachable or misconfigured destination do not count") {
  const retry_policy policy{5, 1s, 60s};
  for (const std::uint32_t before : {0U, 4U, 1'000U}) {
    const auto waits = judge(policy, refused(outcome_kind::unreachable), before, 0.5);
    CHECK(waits.what == reaction::wait);
    CHECK(waits.attempts == before);
    const auto pauses = judge(policy, refused(outcome_kind::config_fault), before, 0.5);
    CHECK(pauses.what == reaction::pause);
    CHECK(pauses.attempts == before);
    CHECK(pauses.reason == "why");
  }
}

TEST_CASE("a wait is at least as long as the destination asked for") {
  CHECK(judge({}, {outcome_kind::unreachable, "down", 3s}, 0, 0.5).delay == 3s);
  CHECK(judge({}, {outcome_kind::config_fault, "401", 3s}, 0, 0.5).delay == 3s);
  CHECK(judge({}, refused(outcome_kind::unreachable), 0, 0.5).delay == 0ms);
}

TEST_CASE("a permanent refusal is a dead letter at once, with the destination's reason") {
  const auto dead = judge({}, refused(outcome_kind::permanent), 0, 0.5);
  CHECK(dead.what == reaction::dead_letter);
  CHECK(dead.reason == "why");
}
