// Another list of destinations for a pipeline that runs.
#include <algorithm>
#include <atomic>
#include <future>
#include <map>
#include <set>
#include <thread>

#include "tests/actors/house.hpp"
#include "tests/actors/log_keeper.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using actors::destination_options;
using core::errc;
using phase = actors::destination_status::phase;

namespace {

std::vector<std::string> ids(std::size_t first, std::size_t last) {
  std::vector<std::string> names;
  for (std::size_t i = first; i < last; ++i) names.push_back("p" + std::to_string(i));
  return names;
}

std::vector<std::string> sorted_ids(const script& of) {
  auto all = of.delivered_ids();
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::string> sorted(std::vector<std::string> all) {
  std::sort(all.begin(), all.end());
  return all;
}

std::uint64_t unclaimed(const actors::pipeline& in, const std::string& destination) {
  for (const auto& one : in.status().unclaimed)
    if (one.destination == destination) return one.entries;
  return 0;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a destination that is added is delivered to at once, and gets what waited for it") {
  auto first = std::make_shared<script>(), second = std::make_shared<script>();
  house in({{"d", first}, {"e", second}});
  const auto both = in.how.destinations;
  in.how.destinations.pop_back();
  auto running = in.start();
  append(*running, 0, 10);
  append(*running, 10, 20, "e");
  CHECK(unclaimed(*running, "e") == 10);
  REQUIRE(running->reconfigure(both, long_budget).ok());
  CHECK(second->wait_delivered(10));
  append(*running, 20, 30, "e");
  CHECK(second->wait_delivered(20));
  CHECK(running->stop(long_budget) == 0);
  CHECK(sorted_ids(*first) == sorted(ids(0, 10)));
  CHECK(sorted_ids(*second) == sorted(ids(10, 30)));
  CHECK(running->status().unclaimed.empty());
}

TEST_CASE("what waits for a destination that is removed stays pending until it is back") {
  auto first = std::make_shared<script>(), second = std::make_shared<script>();
  house in({{"d", first}, {"e", second}});
  const auto both = in.how.destinations;
  auto one = both;
  one.pop_back();
  auto running = in.start();
  append(*running, 0, 10, "e");
  REQUIRE(second->wait_delivered(10));
  REQUIRE(running->reconfigure(one, long_budget).ok());
  CHECK(running->status().destinations.size() == 1);
  CHECK(running->pause("e").reason().code == errc::not_found);
  CHECK(running->exists("e", {"p0"}).reason().code == errc::not_found);
  append(*running, 10, 20, "e");
  append(*running, 20, 30);
  CHECK(first->wait_delivered(10));
  CHECK(second->delivered().size() == 10);
  CHECK(unclaimed(*running, "e") == 10);
  SECTION("by another reload") {
    REQUIRE(running->reconfigure(both, long_budget).ok());
    CHECK(second->wait_delivered(20));
    CHECK(running->status().destinations.at(1).delivered >= 10);
    CHECK(running->stop(long_budget) == 0);
  }
  SECTION("by a restart") {
    CHECK(running->stop(long_budget) == 10);
    running.reset();
    in.how.destinations = both;
    running = in.start();
    CHECK(second->wait_delivered(20));
    CHECK(running->stop(long_budget) == 0);
  }
  CHECK(sorted_ids(*second) == sorted(ids(0, 20)));
}

TEST_CASE("the gauges of a destination that is removed are taken off the page") {
  house in({{"d", std::make_shared<script>()}, {"e", std::make_shared<script>()}});
  auto one = in.how.destinations;
  one.pop_back();
  auto running = in.start();
  CHECK(holds(in.metrics.text(), R"(nexus_destination_up{destination="e"})"));
  CHECK(holds(in.metrics.text(), "nexus_unclaimed_entries 0"));
  REQUIRE(running->reconfigure(one, long_budget).ok());
  append(*running, 0, 5, "e");
  const auto page = in.metrics.text();
  CHECK_FALSE(holds(page, R"(nexus_destination_up{destination="e"})"));
  CHECK_FALSE(holds(page, R"(nexus_destination_state{destination="e")"));
  CHECK(holds(page, R"(nexus_destination_up{destination="d"})"));
  CHECK(holds(page, "nexus_unclaimed_entries 5"));
}

TEST_CASE("a destination that has not changed goes on with the batch that it has") {
  auto release = std::make_shared<gate>();
  auto target = std::make_shared<script>([release](std::size_t, batch_view batch) {
    release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}, {"e", std::make_shared<script>()}});
  auto next = in.how.destinations;
  next.pop_back();
  next[0].paused = true;  // counts for new ones only
  auto running = in.start();
  append(*running, 0, 10);
  REQUIRE(target->wait_calls(1));
  REQUIRE(running->reconfigure(next, long_budget).ok());  // would wait for a batch on its way
  release->open();
  CHECK(target->wait_delivered(10));
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered().size() == 10);
}

TEST_CASE("a destination that has changed ends what is on its way and gets each entry once") {
  auto release = std::make_shared<gate>();
  auto target = std::make_shared<script>([release](std::size_t, batch_view batch) {
    release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.destinations[0].batch_entries_max = 10;
  auto next = in.how.destinations;
  next[0].batch_entries_max = 7;
  auto running = in.start();
  append(*running, 0, 100);
  REQUIRE(target->wait_calls(1));
  std::thread change([&] { CHECK(running->reconfigure(next, long_budget).ok()); });
  append(*running, 100, 150);
  release->open();
  change.join();
  append(*running, 150, 200);
  CHECK(target->wait_delivered(200));
  CHECK(running->stop(long_budget) == 0);
  CHECK(sorted_ids(*target) == sorted(ids(0, 200)));
  CHECK(running->status().destinations.at(0).delivered == 200);
}

TEST_CASE("a destination that hangs holds up a change for no longer than the budget") {
  auto release = std::make_shared<gate>();
  auto hung = std::make_shared<script>([release](std::size_t call, batch_view batch) {
    if (call == 1) release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", hung}});
  auto next = in.how.destinations;
  next[0].batch_entries_max = 7;
  auto running = in.start();
  append(*running, 0, 10);
  REQUIRE(hung->wait_calls(1));
  REQUIRE(running->reconfigure(next, 20ms).ok());
  CHECK(hung->wait_delivered(10));  // by another instance
  release->open();
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a destination that is paused stays so when it changes, and may be paused meanwhile") {
  auto release = std::make_shared<gate>();
  auto target = std::make_shared<script>([release](std::size_t, batch_view batch) {
    release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}, {"e", std::make_shared<script>()}});
  in.how.destinations[0].batch_entries_max = 10;
  auto next = in.how.destinations;
  next[0].batch_entries_max = 7;
  in.how.destinations.pop_back();
  auto running = in.start();
  append(*running, 0, 10);
  REQUIRE(target->wait_calls(1));
  std::thread change([&] { CHECK(running->reconfigure(next, long_budget).ok()); });
  // The other one is there: the change is on its way, and waits for the batch.
  CHECK(wait_for(*running, [](const auto& all) { return all.size() == 2; }));
  REQUIRE(running->pause("d").ok());
  release->open();
  change.join();
  append(*running, 10, 20);
  CHECK(wait_for(*running, [](const auto& all) { return all.at(0).state == phase::paused; }));
  CHECK(running->status().destinations.at(0).pending >= 10);
  REQUIRE(running->resume("d").ok());
  CHECK(target->wait_delivered(20));
  CHECK(running->stop(long_budget) == 0);
  CHECK(sorted_ids(*target) == sorted(ids(0, 20)));
}

TEST_CASE("a list of destinations that cannot be used changes nothing") {
  auto target = std::make_shared<script>();
  auto refusing = std::make_shared<script>();
  refusing->ping_answer = core::error{errc::unreachable, "nobody there"};
  house in({{"d", target}, {"r", refusing}});
  auto next = in.how.destinations;
  in.how.destinations.pop_back();
  auto running = in.start();
  SECTION("two of one name") {
    next[1] = next[0];
  }
  SECTION("no workers") {
    next[1].workers = 0;
  }
  SECTION("a required one that takes nothing") {
    next[1].required = true;
  }
  next[0].batch_entries_max = 1;
  const auto refused = running->reconfigure(next, long_budget);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::bad_config);
  CHECK(running->status().destinations.size() == 1);
  append(*running, 0, 10);
  CHECK(target->wait_delivered(10));
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a destination that cannot be made is there, and its entries wait") {
  house in({{"d", std::make_shared<script>()}, {"e", std::make_shared<script>()}});
  auto next = in.how.destinations;
  in.how.destinations.pop_back();
  next[1].fault = "its table is wrong";
  auto running = in.start();
  REQUIRE(running->reconfigure(next, long_budget).ok());
  append(*running, 0, 5, "e");
  CHECK(wait_for(*running, [](const auto& all) {
    return all.at(1).state == phase::misconfigured && all[1].pending == 5;
  }));
  CHECK(running->stop(long_budget) == 5);
}

TEST_CASE("entries that name no destination follow the first one") {
  auto first = std::make_shared<script>(), heir = std::make_shared<script>();
  house in({{"", heir}, {"d", first}});
  in.how.destinations.erase(in.how.destinations.begin());
  in.how.destinations[0].paused = true;
  {
    auto log = wal::log::open(in.how.wal);
    REQUIRE(log.ok());
    for (const auto& id : ids(0, 5)) REQUIRE((*log)->append(*make_entry(id, "")).ok());
  }
  auto running = in.start();
  auto next = in.how.destinations;
  next[0].settings.name = "other";
  next[0].paused = false;
  REQUIRE(running->reconfigure(next, long_budget).ok());
  REQUIRE(running->resume("").ok());
  CHECK(heir->wait_delivered(5));
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("after the stop there is nothing to change any more") {
  house in({{"d", std::make_shared<script>()}});
  auto running = in.start();
  running->stop(long_budget);
  auto next = in.how.destinations;
  next[0].batch_entries_max = 1;
  CHECK(running->reconfigure(next, long_budget).reason().code == errc::closed);
}

TEST_CASE("a stop does not wait for a change that waits for a destination") {
  auto release = std::make_shared<gate>();
  auto hung = std::make_shared<script>([release](std::size_t, batch_view batch) {
    release->pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", hung}});
  auto next = in.how.destinations;
  next[0].batch_entries_max = 7;
  auto running = in.start();
  append(*running, 0, 10);
  REQUIRE(hung->wait_calls(1));
  std::thread change([&] { (void)running->reconfigure(next, std::chrono::hours(1)); });
  CHECK(running->stop(20ms) == 10);
  change.join();
  release->open();
}

TEST_CASE("a stop does not wait for a change that asks a required destination") {
  auto release = std::make_shared<gate>(), asked = std::make_shared<gate>();
  auto silent = std::make_shared<script>();
  silent->on_ping = [release, asked] {
    asked->open();
    release->pass();
  };
  house in({{"d", std::make_shared<script>()}, {"r", silent}});
  auto next = in.how.destinations;
  next[1].required = true;
  next[1].settings.timeout = std::chrono::hours(1);
  in.how.destinations.pop_back();
  auto running = in.start();
  auto change =
      std::async(std::launch::async, [&] { return running->reconfigure(next, long_budget); });
  asked->pass();
  SECTION("that has begun") {
    running->stop(20ms);
  }
  SECTION("that is about to begin") {
    running->release_waiting();
  }
  CHECK(change.get().reason().code == errc::closed);
  release->open();
  running->stop(long_budget);
}

TEST_CASE("two hundred changes in a row while eight clients write deliver each entry once") {
  constexpr std::size_t clients = 8, each = 1'000;
  auto stays = std::make_shared<script>(), changes = std::make_shared<script>(),
       comes = std::make_shared<script>();
  house in({{"changes", changes}, {"comes", comes}, {"stays", stays}});
  const auto all_three = in.how.destinations;
  auto running = in.start();
  std::atomic<std::size_t> refused = 0, answered = 0;
  std::vector<std::thread> writers;
  for (std::size_t c = 0; c < clients; ++c) {
    writers.emplace_back([&, c] {
      for (std::size_t i = c * each; i < (c + 1) * each; ++i) {
        const char* to = i % 3 == 0 ? "changes" : i % 3 == 1 ? "comes" : "stays";
        std::latch durable(1);
        running->append({make_entry("p" + std::to_string(i), to)},
                        [&](const core::result<void>& answer) {
                          if (!answer.ok()) ++refused;
                          durable.count_down();
                        });
        durable.wait();
        ++answered;
      }
    });
  }
  for (std::size_t turn = 0; turn < 200; ++turn) {
    auto next = all_three;
    next[0].batch_entries_max = 1 + turn % 50;
    if (turn % 2 == 0) next.erase(next.begin() + 1);
    REQUIRE(running->reconfigure(next, long_budget).ok());
  }
  for (auto& one : writers) one.join();
  REQUIRE(running->reconfigure(all_three, long_budget).ok());
  CHECK(refused == 0);
  CHECK(running->stop(long_budget) == 0);
  std::map<std::string, std::vector<std::string>> expected;
  for (std::size_t i = 0; i < clients * each; ++i)
    expected[i % 3 == 0   ? "changes"
             : i % 3 == 1 ? "comes"
                          : "stays"]
        .push_back("p" + std::to_string(i));
  CHECK(sorted_ids(*changes) == sorted(expected["changes"]));
  CHECK(sorted_ids(*comes) == sorted(expected["comes"]));
  CHECK(sorted_ids(*stays) == sorted(expected["stays"]));
}

TEST_CASE(
    "appends are refused while the lines that wait are too large, and taken again afterwards") {
  gate release;
  auto target = std::make_shared<script>([&](std::size_t, batch_view batch) {
    release.pass();
    return all(batch, outcome_kind::delivered);
  });
  house in({{"d", target}});
  in.how.pending_bytes_max = 4'000;
  auto running = in.start();
  const auto append_one = [&](std::size_t bytes) {
    auto value = std::make_shared<core::entry>(*make_entry("large" + std::to_string(bytes)));
    value->payload = '"' + std::string(bytes, 'x') + '"';
    std::latch answered(1);
    core::result<void> result;
    running->append({value}, [&](const core::result<void>& answer) {
      result = answer;
      answered.count_down();
    });
    answered.wait();
    return result;
  };
  CHECK(append_one(5'000).ok());  // what comes alone is never too large
  CHECK(running->status().wal.pending_bytes > 5'000);
  const auto refused = append_one(1);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::overloaded);
  running->set_pending_limits(1'000, 10'000);
  CHECK(append_one(2).ok());
  running->set_pending_limits(1, 10'000);
  CHECK_FALSE(append_one(3).ok());
  running->set_pending_limits(1'000, 4'000);
  release.open();
  REQUIRE(target->wait_delivered(2));
  while (running->status().wal.pending > 0) std::this_thread::yield();
  CHECK(running->status().wal.pending_bytes == 0);
  CHECK(append_one(4).ok());
  CHECK(running->stop(long_budget) == 0);
}
