// Several writes handed in together: one commit, and an answer for each.
#include <atomic>
#include <future>
#include <latch>

#include "tests/actors/house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

using outcomes = std::vector<core::result<void>>;
using writes = std::vector<std::vector<core::entry_ptr>>;

outcomes append_writes(actors::pipeline& to, writes what,
                       std::vector<core::confirmation> wanted = {}) {
  std::promise<outcomes> answer;
  to.append_batch(
      std::move(what), [&](outcomes each) { answer.set_value(std::move(each)); },
      std::move(wanted));
  return answer.get_future().get();
}

writes many(std::size_t count, const std::vector<std::string>& destinations) {
  writes out;
  for (std::size_t i = 0; i < count; ++i) {
    auto& one = out.emplace_back();
    for (const auto& name : destinations) one.push_back(make_entry("p" + std::to_string(i), name));
  }
  return out;
}

}  // namespace

TEST_CASE("a batch is durable with one sync, and each of its writes is answered") {
  auto first = std::make_shared<script>(), second = std::make_shared<script>();
  house in({{"a", first}, {"b", second}});
  auto running = in.start();
  append(*running, 1'000, 1'001, "a");
  const auto syncs = running->status().wal.syncs;
  const auto each = append_writes(*running, many(500, {"a", "b"}));
  REQUIRE(each.size() == 500);
  for (const auto& one : each) REQUIRE(one.ok());
  CHECK(running->stop(long_budget) == 0);
  CHECK(running->status().wal.appended == 1'001);
  CHECK(first->delivered_ids().size() == 501);
  CHECK(second->delivered_ids().size() == 500);
  CHECK(second->delivered_ids()[499] == "p499");
  // Marks are synced as well, but never one by one.
  CHECK(running->status().wal.syncs - syncs < 100);
}

TEST_CASE("a write of a batch that cannot be stored is refused alone") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  auto what = many(3, {"d"});
  auto broken = std::make_shared<core::entry>(*what[1][0]);
  broken->payload = "{";
  what[1][0] = broken;
  const auto each = append_writes(*running, std::move(what));
  REQUIRE(each.size() == 3);
  CHECK(each[0].ok());
  REQUIRE_FALSE(each[1].ok());
  CHECK(each[1].reason().code == errc::invalid_argument);
  CHECK(each[2].ok());
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered_ids() == std::vector<std::string>{"p0", "p2"});
}

TEST_CASE("a write that the log refuses leaves its room to others") {
  house in({{"d", std::make_shared<script>()}});
  in.how.pending_entries_max = 2;
  auto running = in.start();
  auto broken = std::make_shared<core::entry>(*make_entry("p0"));
  broken->payload = "{";
  for (int i = 0; i < 5; ++i) {
    INFO(i);
    const auto each = append_writes(*running, {{broken}});
    REQUIRE_FALSE(each.at(0).ok());
    CHECK(each[0].reason().code == errc::invalid_argument);
  }
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("a batch for which there is no room is refused whole, and nothing of it is written") {
  house in({{"d", std::make_shared<script>()}});
  in.how.destinations.front().paused = true;
  in.how.pending_entries_max = 10;
  auto running = in.start();
  for (const auto& one : append_writes(*running, many(1, {"d"}))) CHECK(one.ok());
  const auto each = append_writes(*running, many(10, {"d"}));
  REQUIRE(each.size() == 10);
  for (const auto& one : each) {
    REQUIRE_FALSE(one.ok());
    CHECK(one.reason().code == errc::overloaded);
  }
  for (const auto& one : append_writes(*running, many(9, {"d"}))) CHECK(one.ok());
  CHECK(running->stop(std::chrono::milliseconds(100)) == 10);
  CHECK(running->status().wal.appended == 10);
}

TEST_CASE("a batch after the stop is answered with closed, write by write") {
  house in({{"d", std::make_shared<script>()}});
  auto running = in.start();
  running->stop(long_budget);
  const auto each = append_writes(*running, many(2, {"d"}));
  REQUIRE(each.size() == 2);
  for (const auto& one : each) {
    REQUIRE_FALSE(one.ok());
    CHECK(one.reason().code == errc::closed);
  }
}

TEST_CASE("who waits for the delivery of a batch hears of each write") {
  auto target = std::make_shared<script>();
  house in({{"d", target}});
  auto running = in.start();
  constexpr std::size_t count = 20;
  std::latch told(count);
  std::atomic<std::size_t> delivered = 0;
  std::vector<core::confirmation> wanted;
  for (std::size_t i = 0; i < count; ++i)
    wanted.push_back({std::chrono::minutes(2), [&](const core::delivery_report& report) {
                        if (report.at("d") == core::delivery_state::delivered) ++delivered;
                        told.count_down();
                      }});
  for (const auto& one : append_writes(*running, many(count, {"d"}), std::move(wanted)))
    REQUIRE(one.ok());
  told.wait();
  CHECK(delivered == count);
  CHECK(running->stop(long_budget) == 0);
}
