// A real pipeline, and destinations that are not well, or must wait.
#include <future>
#include <stdexcept>

#include "actors/worker_actor.hpp"
#include "tests/actors/house.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using actors::abandoned_max;
using core::errc;
using phase = actors::destination_status::phase;
using std::chrono::milliseconds;

TEST_CASE("a destination that cannot be made holds up no other, and its entries wait") {
  auto well = std::make_shared<script>();
  house in({{"d", std::make_shared<script>()}, {"well", well}});
  auto& wrong = in.how.destinations[0];
  std::string reason;
  SECTION("unknown type") {
    wrong.settings.type = "nowhere";
    reason = "there is no type \"nowhere\"";
  }
  SECTION("its factory refuses") {
    wrong.settings.name = "unscripted";
    reason = "no script";
  }
  SECTION("its table is wrong") {
    wrong.fault = "d.toml:3:1: no";
    reason = wrong.fault;
  }
  {
    auto running = in.start();
    append(*running, 0, 10, wrong.settings.name);
    append(*running, 10, 20, "well");
    CHECK(well->wait_delivered(10));
    CHECK(wait_for(*running, [](const auto& all) {
      return all[0].state == phase::misconfigured && all[1].delivered == 10;
    }));
    CHECK(running->status().destinations[0].last_error == reason);
    CHECK(running->status().destinations[0].pending == 10);
    CHECK(running->stop(long_budget) == 10);
  }
  wrong.required = true;
  CHECK(in.refusal() == errc::bad_config);
}

TEST_CASE("a destination that hangs is left to itself, and another instance takes over") {
  auto never = std::make_shared<gate>();
  auto target = std::make_shared<script>([never](std::size_t call, batch_view batch) {
    if (call == 1) never->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.destinations[0].settings.timeout = 1ms;
  auto running = in.start();
  append(*running, 0, 10);
  CHECK(target->wait_delivered(10));
  never->open();  // a stop waits for it, as long as there is time
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().destinations[0].restarts == 1);
}

TEST_CASE("of a destination that hangs each time only so many instances are left to themselves") {
  auto never = std::make_shared<gate>();
  auto target = std::make_shared<script>([never](std::size_t, batch_view batch) {
    never->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.destinations[0].settings.timeout = 1ms;
  in.how.destinations[0].batch_entries_max = 1;
  auto running = in.start();
  append(*running, 0, 10);
  CHECK(wait_for(*running, [](const auto& all) { return all[0].restarts == abandoned_max; }));
  never->open();
  CHECK(wait_for(*running, [](const auto& all) { return all[0].pending == 0; }));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().destinations[0].restarts == abandoned_max);
}

TEST_CASE("one entry that breaks a destination down does not keep the others from it") {
  auto target = std::make_shared<script>([](std::size_t, batch_view batch) {
    for (const auto& entry : batch)
      if (entry->payload_id == "p7") throw std::runtime_error("poison");
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 300);
  CHECK(target->wait_delivered(299));
  CHECK(running->stop(long_budget) == 1);
  CHECK(running->status().wal.permanent_failures == 0);
}

TEST_CASE("an outcome that there is not is a breakdown, and the queue lives on") {
  auto target = std::make_shared<script>([](std::size_t call, batch_view batch) {
    return all(batch, call == 1 ? static_cast<outcome_kind>(200) : outcome_kind::delivered);
  });
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 1);
  CHECK(target->wait_calls(2));
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().destinations[0].restarts == 1);
}

TEST_CASE("one entry that a destination hangs over each time is left, and the others get through") {
  auto never = std::make_shared<gate>();
  auto target = std::make_shared<script>([never](std::size_t, batch_view batch) {
    for (const auto& entry : batch)
      if (entry->payload_id == "p7") never->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.destinations[0].settings.timeout = 1ms;
  auto running = in.start();
  append(*running, 0, 300);
  CHECK(wait_for(*running, [](const auto& now) { return now[0].delivered == 299; }));
  append(*running, 300, 400);
  CHECK(wait_for(*running, [](const auto& now) {
    return now[0].delivered == 399 && now[0].queued == 0 && now[0].pending == 1;
  }));
  CHECK(running->status().destinations[0].restarts < abandoned_max);
  never->open();
  CHECK(running->stop(long_budget) == 1);
}

TEST_CASE("a destination paused by the operator gets nothing until it is resumed") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  in.how.destinations[0].paused = true;
  auto running = in.start();
  append(*running, 0, 10);
  CHECK(wait_for(*running, [](const auto& all) { return all[0].queued == 10; }));
  CHECK(running->status().destinations[0].state == phase::paused);
  CHECK(target->delivered().empty());
  REQUIRE(running->resume("d").ok());
  CHECK(target->wait_delivered(10));
  REQUIRE(running->pause("d").ok());
  CHECK(wait_for(*running, [](const auto& all) { return all[0].state == phase::paused; }));
  append(*running, 10, 20);
  CHECK(running->stop(long_budget) == 10);
  CHECK(target->delivered().size() == 10);
  CHECK(running->pause("nobody").reason().code == errc::not_found);
}

TEST_CASE("whoever waits for the delivery hears of every destination") {
  auto slow = std::make_shared<gate>();
  auto first = std::make_shared<script>();
  auto second = std::make_shared<script>([slow](std::size_t, batch_view batch) {
    slow->pass();
    return all(batch, outcome_kind::permanent);
  });
  house in({{"a", first}, {"b", second}});
  auto running = in.start();
  std::promise<core::delivery_report> told;
  std::promise<bool> durable;
  const auto append_to_both = [&](milliseconds timeout) {
    told = {};
    durable = {};
    running->append(
        {make_entry("p0", "a"), make_entry("p0", "b")},
        [&](const core::result<void>& answer) { durable.set_value(answer.ok()); },
        core::confirmation{timeout,
                           [&](const core::delivery_report& report) { told.set_value(report); }});
    REQUIRE(durable.get_future().get());
    return told.get_future().get();
  };
  using state = core::delivery_state;
  auto late = append_to_both(1ms);
  CHECK(late.at("b") == state::pending);
  slow->open();
  auto in_time = append_to_both(long_budget);
  CHECK(in_time == core::delivery_report{{"a", state::delivered}, {"b", state::failed}});
  CHECK(running->stop(long_budget) == 0);

  running = in.start();
  REQUIRE(running->pause("b").ok());
  running->release_waiting();
  CHECK(append_to_both(long_budget).at("b") == state::pending);
  CHECK(running->stop(long_budget) == 1);
}
