#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/destinations/jetstream_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using namespace std::chrono_literals;
using nexus::core::entry_ptr;

namespace {

constexpr std::size_t threads = 4;
constexpr std::size_t batch_size = 256;

class shared_state {
 public:
  std::atomic<std::size_t> accepted{0};
  std::atomic<std::size_t> unreachable{0};
  std::atomic<std::size_t> others{0};
  std::atomic<bool> enough{false};  ///< no new entries
  std::atomic<bool> give_up{false};

  void add_delivered(std::size_t count) {
    {
      const std::lock_guard lock(mutex_);
      delivered_ += count;
    }
    changed_.notify_all();
  }

  std::size_t delivered() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
  }

  /// Waits for as many further deliveries.
  void wait_for_more(std::size_t count) {
    std::unique_lock lock(mutex_);
    const auto aim = delivered_ + count;
    if (!changed_.wait_for(lock, 60s, [&] { return delivered_ >= aim; })) {
      throw std::runtime_error("no progress");
    }
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t delivered_ = 0;
};

/// Delivers ever new entries, as the queue would: what was unreachable comes again, in a later
/// batch.
void keep_delivering(const settings& set, const std::string& prefix, shared_state& state) {
  const auto events = make_events(set);
  std::size_t made = 0;
  std::vector<entry_ptr> again;
  while (!state.give_up) {
    auto batch = std::exchange(again, {});
    for (; batch.size() < batch_size && !state.enough; ++made) {
      batch.push_back(make_entry(prefix + std::to_string(made)));
      ++state.accepted;
    }
    if (batch.empty()) return;
    const auto outcomes = events->deliver(batch);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (outcomes[i].kind == outcome_kind::delivered) continue;
      ++(outcomes[i].kind == outcome_kind::unreachable ? state.unreachable : state.others);
      again.push_back(batch[i]);
    }
    state.add_delivered(batch.size() - again.size());
  }
}

/// Kills a follower, lets it come back, and kills the leader, all while entries are delivered.
void break_cluster(nats_cluster& cluster, shared_state& state) {
  constexpr std::size_t step = 4'000;
  state.wait_for_more(step);
  const auto follower = (cluster.leader("S").value() + 1) % cluster.size();
  cluster.kill(follower);
  state.wait_for_more(step);
  cluster.restart(follower);
  cluster.wait_until_current("S");
  state.wait_for_more(step);
  const auto leader = cluster.leader("S").value();
  cluster.kill(leader);
  state.wait_for_more(2 * step);
  cluster.restart(leader);
}

}  // namespace

TEST_CASE("a cluster that loses a follower and then the leader stores every id exactly once") {
  nats_cluster cluster({.nodes = 3});
  cluster.add_stream({.name = "S", .subjects = {"nexus.*"}, .replicas = 3});
  const auto patient = events_settings(cluster.urls());
  // Less than the election of a leader takes: what was sent before it comes again in other calls.
  auto impatient = patient;
  impatient.timeout = 1'000ms;
  REQUIRE(make_events(patient)->ping().ok());

  shared_state state;
  std::vector<std::thread> workers;
  for (std::size_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      keep_delivering(t % 2 == 0 ? patient : impatient, std::to_string(t) + '-', state);
    });
  }
  std::string trouble;
  try {
    break_cluster(cluster, state);
  } catch (const std::exception& e) {
    trouble = e.what();
    state.give_up = true;
  }
  state.enough = true;
  for (auto& each : workers) each.join();

  INFO(trouble << "; accepted " << state.accepted << ", unreachable " << state.unreachable);
  REQUIRE(trouble.empty());
  CHECK(state.others == 0);
  REQUIRE(state.delivered() == state.accepted);
  cluster.wait_until_current("S");
  const auto stored = cluster.messages("S");
  std::set<std::string> ids;
  for (const auto& message : stored) ids.insert(message.headers.at("Nexus-Payload-Id"));
  CHECK(ids.size() == state.accepted);
  CHECK(stored.size() == state.accepted);
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
