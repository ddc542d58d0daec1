#include <atomic>
#include <set>
#include <thread>

#include "tests/destinations/jetstream_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::core::entry_ptr;

namespace {

constexpr std::size_t threads = 4;
constexpr std::size_t entries_per_thread = 12'000;
constexpr std::size_t batch_size = 256;

struct shared_state {
  std::atomic<std::size_t> delivered{0};
  std::atomic<std::size_t> unreachable{0};
  std::atomic<std::size_t> others{0};
  std::atomic<bool> give_up{false};
};

/// Delivers everything, as the queue would: what was unreachable comes again, in a later batch.
void deliver_all(const settings& set, std::vector<entry_ptr> todo, shared_state& state) {
  const auto events = make_events(set);
  while (!todo.empty() && !state.give_up) {
    const auto count = std::min(todo.size(), batch_size);
    const std::vector<entry_ptr> batch(todo.end() - static_cast<std::ptrdiff_t>(count), todo.end());
    todo.resize(todo.size() - count);
    const auto outcomes = events->deliver(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (outcomes[i].kind == outcome_kind::delivered) {
        ++state.delivered;
      } else {
        ++(outcomes[i].kind == outcome_kind::unreachable ? state.unreachable : state.others);
        todo.insert(todo.begin(), batch[i]);
      }
    }
  }
}

void wait_for(const shared_state& state, std::size_t delivered) {
  const auto deadline = std::chrono::steady_clock::now() + 120s;
  while (state.delivered < delivered && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(5ms);
  }
}

}  // namespace

TEST_CASE("a cluster that loses a follower and then the leader stores every id exactly once") {
  nats_cluster cluster({.nodes = 3});
  cluster.add_stream({.name = "S", .subjects = {"nexus.*"}, .replicas = 3});
  const auto set = events_settings(cluster.urls());
  REQUIRE(make_events(set)->ping().ok());

  shared_state state;
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      deliver_all(set, make_entries(std::to_string(t) + "-", entries_per_thread), state);
    });
  }
  constexpr auto total = threads * entries_per_thread;
  std::string trouble;
  std::size_t delivered_before_leader_died = total;
  try {
    wait_for(state, total / 8);
    const auto follower = (cluster.leader("S").value() + 1) % cluster.size();
    cluster.kill(follower);
    wait_for(state, total / 4);
    cluster.restart(follower);
    cluster.wait_until_current("S");
    wait_for(state, total / 2);
    const auto leader = cluster.leader("S").value();
    delivered_before_leader_died = state.delivered;
    cluster.kill(leader);
    wait_for(state, total);
    cluster.restart(leader);
    cluster.wait_until_current("S");
  } catch (const std::exception& e) {
    trouble = e.what();
  }
  state.give_up = true;
  for (auto& each : workers) each.join();

  INFO(trouble << "; delivered " << state.delivered << ", unreachable " << state.unreachable);
  REQUIRE(trouble.empty());
  CHECK(delivered_before_leader_died < total);
  CHECK(state.others == 0);
  REQUIRE(state.delivered == total);
  std::set<std::string> ids;
  for (const auto& message : cluster.messages("S")) {
    ids.insert(message.headers.at("Nexus-Payload-Id"));
  }
  CHECK(ids.size() == total);
  CHECK(cluster.message_count("S") == total);
}

TEST_CASE("a server that hangs is left for another one within the same call") {
  nats_cluster cluster({.nodes = 3});
  cluster.add_stream({.name = "S", .subjects = {"nexus.*"}, .replicas = 3});
  const auto events = make_events(events_settings(cluster.url(0) + ',' + cluster.url(1)));
  REQUIRE(events->ping().ok());
  const auto leader = cluster.leader("S").value();
  cluster.pause(leader);
  const auto batch = make_entries("p", 500);
  const auto outcomes = events->deliver(batch);
  cluster.resume(leader);
  for (const auto& each : outcomes) {
    INFO(each.reason);
    REQUIRE(each.kind == outcome_kind::delivered);
  }
  cluster.wait_until_current("S");
  CHECK(cluster.message_count("S") == 500);
}
