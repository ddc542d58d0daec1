// Dead letters of a running pipeline.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/actors/house.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// A destination that refuses what it has not seen before, and takes it the second time; entries
/// whose id begins with 'q' are taken at once.
std::shared_ptr<script> takes_the_second_time() {
  auto mutex = std::make_shared<std::mutex>();
  auto seen = std::make_shared<std::set<std::string>>();
  return std::make_shared<script>([mutex, seen](std::size_t, batch_view batch) {
    std::lock_guard lock(*mutex);
    auto answer = all(batch, outcome_kind::delivered);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto& id = batch[i]->payload_id;
      if (id.starts_with("p") && seen->insert(id).second)
        answer[i] = {outcome_kind::permanent, "never seen", {}};
    }
    return answer;
  });
}

void wait_for_dead_letters(const actors::pipeline& in, std::uint64_t count) {
  const auto deadline = std::chrono::steady_clock::now() + long_budget;
  while (in.status().wal.dead_letters != count && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(in.status().wal.dead_letters == count);
}

std::vector<std::string> dead_ids(actors::pipeline& in, const wal::dead_letter_filter& which) {
  std::vector<std::string> ids;
  REQUIRE(in.dead_letters(which, [&](const wal::dead_letter& one) {
              ids.push_back(one.entry.payload_id);
            }).ok());
  return ids;
}

}  // namespace

TEST_CASE("what is redriven is delivered by the running pipeline, though nothing else comes in") {
  auto target = takes_the_second_time();
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 3);
  wait_for_dead_letters(*running, 3);
  CHECK(dead_ids(*running, {}) == std::vector<std::string>{"p0", "p1", "p2"});
  const auto sent = running->redrive({{"p1"}, "", ""});
  REQUIRE(sent.ok());
  CHECK(*sent == 1);
  REQUIRE(target->wait_delivered(1));
  CHECK(target->delivered_ids() == std::vector<std::string>{"p1"});
  CHECK(dead_ids(*running, {}) == std::vector<std::string>{"p0", "p2"});
  CHECK(running->stop(long_budget) == 0);
}

TEST_CASE("what is purged is gone, and is not delivered after the next start either") {
  auto target = takes_the_second_time();
  house in({{"d", target}});
  auto running = in.start();
  append(*running, 0, 3);
  wait_for_dead_letters(*running, 3);
  const auto purged = running->purge({{"p0", "p2"}, "", ""});
  REQUIRE(purged.ok());
  CHECK(*purged == 2);
  CHECK(running->stop(long_budget) == 0);
  running = in.start();
  CHECK(dead_ids(*running, {}) == std::vector<std::string>{"p1"});
  CHECK(running->stop(long_budget) == 0);
  CHECK(target->delivered().empty());
}

TEST_CASE("redriving beside appends delivers every entry exactly once") {
  constexpr std::size_t dead = 500, fresh = 5'000;
  auto target = takes_the_second_time();
  house in({{"d", target}});
  in.how.destinations[0].window_entries_max = 200;  // fetches wait at the end again and again
  auto running = in.start();
  append(*running, 0, dead);
  wait_for_dead_letters(*running, dead);
  std::atomic<std::size_t> accepted = 0;
  std::jthread writer([&] {
    for (std::size_t i = 0; i < fresh; ++i) {
      std::latch durable(1);
      running->append({make_entry("q" + std::to_string(i))}, [&](const core::result<void>& answer) {
        if (answer.ok()) ++accepted;
        durable.count_down();
      });
      durable.wait();
    }
  });
  for (std::size_t i = 0; i < dead; ++i) {
    const auto sent = running->redrive({{"p" + std::to_string(i)}, "", ""});
    REQUIRE(sent.ok());
    REQUIRE(*sent == 1);
  }
  writer.join();
  REQUIRE(accepted == fresh);
  CHECK(target->wait_delivered(dead + fresh));
  CHECK(running->stop(long_budget) == 0);
  auto ids = target->delivered_ids();
  CHECK(ids.size() == dead + fresh);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == dead + fresh);
}

TEST_CASE("after the stop dead letters are not redriven any more") {
  house in({{"d", takes_the_second_time()}});
  auto running = in.start();
  append(*running, 0, 1);
  wait_for_dead_letters(*running, 1);
  CHECK(running->stop(long_budget) == 0);
  const auto late = running->redrive({});
  REQUIRE_FALSE(late.ok());
  CHECK(late.reason().code == core::errc::closed);
}

TEST_CASE(
    "a dead letter that names no destination is delivered by the first one when it is redriven") {
  auto heir = takes_the_second_time();
  house in({{"", heir}, {"d", std::make_shared<script>()}});
  in.how.destinations.erase(in.how.destinations.begin());
  {
    auto log = wal::log::open(in.how.wal);
    REQUIRE(log.ok());
    REQUIRE((*log)->append(*make_entry("p0", "")).ok());
  }
  auto running = in.start();
  wait_for_dead_letters(*running, 1);
  SECTION("at once") {}
  SECTION("after a start at which nothing waited for it") {
    running->stop(long_budget);
    running.reset();
    running = in.start();
    CHECK(running->status().destinations.size() == 1);
  }
  SECTION("after a change of the destinations") {
    auto next = in.how.destinations;
    next[0].batch_entries_max = 7;
    REQUIRE(running->reconfigure(next, long_budget).ok());
  }
  CHECK(running->redrive({}).ok());
  CHECK(heir->wait_delivered(1));
  CHECK(running->stop(long_budget) == 0);
}
