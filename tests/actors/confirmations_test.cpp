#include "actors/confirmations.hpp"

#include <optional>
#include <vector>

#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using core::delivery_report;
using core::delivery_state;

namespace {

/// One who waits for a write to the destinations "b" and "d".
struct waiter {
  waiter() {
    const std::vector<core::entry_ptr> entries{test::make_entry("p", "b"),
                                               test::make_entry("p", "d")};
    all.add(entries, {1s, [this](const delivery_report& report) { told = report; }}, begin);
  }

  const actors::confirmations::time_point begin{};
  actors::confirmations all;
  std::optional<delivery_report> told;
};

}  // namespace

TEST_CASE("a delivery is confirmed once no destination is left") {
  const bool first_delivers = GENERATE(true, false);
  waiter one;
  if (first_delivers)
    one.all.delivered("b", {"p"});
  else
    one.all.failed("b", {{"p", "why"}});
  CHECK_FALSE(one.told);
  one.all.delivered("d", {"p"});
  const auto of_first = first_delivers ? delivery_state::delivered : delivery_state::failed;
  CHECK(one.told == delivery_report{{"b", of_first}, {"d", delivery_state::delivered}});
  CHECK(one.all.empty());
}

TEST_CASE("what else is delivered, or twice, confirms nothing") {
  waiter one;
  for (const char* other : {"", "a", "c", "e"}) one.all.delivered(other, {"p"});
  one.all.delivered("d", {"other"});
  for (int times = 0; times < 2; ++times) one.all.delivered("b", {"p"});
  CHECK_FALSE(one.told);
  one.all.expire(one.begin + 1s);
  CHECK(one.told ==
        delivery_report{{"b", delivery_state::delivered}, {"d", delivery_state::pending}});
}

TEST_CASE("after a stop has told those who wait, whoever asks is told at once") {
  waiter one;
  one.all.settle_all();
  REQUIRE(one.told);
  std::optional<delivery_report> late;
  const std::vector<core::entry_ptr> entries{test::make_entry("late", "b")};
  one.all.add(entries, {1s, [&](const delivery_report& report) { late = report; }}, one.begin);
  CHECK(late == delivery_report{{"b", delivery_state::pending}});
}
