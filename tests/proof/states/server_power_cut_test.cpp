// The power goes during a whole run of the pipeline: threads append, destinations take entries,
// some for good not; the log marks, rotates, settles and removes segments. At sampled moments of
// the run the state that a cut may leave is drawn (crash_point::draw), opened, and must hold each
// entry that was acknowledged before and not delivered: once, and whole.
//
// A run is two sessions, each started and stopped; what was delivered in the first one must not
// wait any more once that one has stopped. Quick size: 300 cuts of each kind of log; long size
// (NEXUS_PROOF_SIZE=long): 3000. NEXUS_PROOF_SEED draws the same cuts again, of another run.
#include <latch>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/actors/house.hpp"
#include "tests/proof/states/crash_point.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/proof/states/workload.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

constexpr std::size_t threads = 4, groups = 30, group_entries = 12;

/// What has become of an entry, and how many changes of the disk there were by then.
struct story {
  std::size_t acknowledged = std::string::npos;
  std::size_t handed_over = std::string::npos;  ///< to the destination, which took or refused it
  bool refused = false;
};

core::entry_ptr entry_for(const std::string& id) {
  auto entry = *test::make_entry(id);
  entry.payload = "\"" + id + std::string(800, 'z') + "\"";
  return std::make_shared<const core::entry>(std::move(entry));
}

class server_run {
 public:
  explicit server_run(const log_kind& kind)
      : kind_(kind), inside_({{"d", std::make_shared<script>([this](std::size_t, batch_view batch) {
                                 return deliver(batch);
                               })}}) {
    const auto directory = inside_.how.wal.directory;
    inside_.how.wal = options_of(kind, disk_);
    inside_.how.wal.background_maintenance = true;
    inside_.how.wal.clock = core::now;
    inside_.how.wal.directory = directory;
  }

  void run(const std::string& session) {
    auto pipeline = inside_.start();
    std::vector<std::thread> clients;
    for (std::size_t i = 0; i < threads; ++i)
      clients.emplace_back([&, i] { append(*pipeline, session + std::to_string(i)); });
    for (auto& one : clients) one.join();
    // Everything is delivered, and maintenance has removed what is full of delivered entries.
    REQUIRE(wait_until([&] { return pipeline->status().wal.pending == 0; }));
    REQUIRE(wait_until([&] { return pipeline->status().wal.segments <= 1; }));
    REQUIRE(pipeline->stop(long_budget) == 0);
    stops_.push_back(disk_.position());
  }

  void cut(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<std::size_t> cuts;
    const auto& record = disk_.record();
    for (std::size_t i = 0; i < count; ++i) cuts.push_back(random() % (record.size() + 1));
    std::sort(cuts.begin(), cuts.end());
    crash_point at({});
    std::size_t done = 0;
    for (auto next : cuts) {
      while (done < next) at.advance(record[done++]);
      INFO(kind_.name << ": cut " << next << " of " << record.size());
      check(at.draw(random), next);
    }
  }

 private:
  template <class Condition>
  static bool wait_until(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  /// One in twenty is refused for good.
  outcomes deliver(batch_view batch) {
    const auto position = disk_.position();
    auto answer = all(batch, outcome_kind::delivered);
    std::lock_guard guard(mutex_);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto& one = stories_[batch[i]->payload_id];
      one.handed_over = std::min(one.handed_over, position);
      one.refused = batch[i]->payload_id.ends_with("7");
      if (one.refused) answer[i] = {outcome_kind::permanent, failure_reason, {}};
    }
    return answer;
  }

  void append(actors::pipeline& to, const std::string& prefix) {
    for (std::size_t group = 0; group < groups; ++group) {
      std::latch durable(group_entries);
      for (std::size_t i = 0; i < group_entries; ++i) {
        const auto id = prefix + "-" + std::to_string(group * group_entries + i);
        to.append({entry_for(id)}, [&, id](const core::result<void>& answer) {
          if (answer) {
            std::lock_guard guard(mutex_);
            stories_[id].acknowledged = disk_.position();
          }
          durable.count_down();
        });
      }
      durable.wait();
    }
  }

  void check(const disk_image& state, std::size_t cut) {
    const auto disk = disk_for(kind_, state);
    auto how = inside_.how.wal;
    how.background_maintenance = false;
    how.files = disk.get();
    auto log = wal::log::open(how);
    if (!log) FAIL(log.reason().text);
    std::map<std::string, int> pending, dead;
    REQUIRE((*log)
                ->replay([&](const core::entry& one) {
                  ++pending[one.payload_id];
                  if (one.payload != entry_for(one.payload_id)->payload)
                    FAIL(one.payload_id << " is not what was appended");
                })
                .ok());
    REQUIRE(
        (*log)
            ->dead_letters({}, [&](const wal::dead_letter& one) { ++dead[one.entry.payload_id]; })
            .ok());
    const auto durable = std::upper_bound(stops_.begin(), stops_.end(), cut);
    const auto stopped = durable == stops_.begin() ? 0 : *std::prev(durable);
    for (const auto& [id, count] : pending) CHECK(stories_.contains(id));
    for (const auto& [id, is] : stories_)
      if (const auto wrong = breach(is, cut, stopped, pending[id], dead[id]); !wrong.empty())
        FAIL(id << wrong << ": pending " << pending[id] << " times, a dead letter " << dead[id]
                << " times");
  }

  static std::string breach(const story& is, std::size_t cut, std::size_t stopped, int pending,
                            int dead) {
    if (pending + dead > 1) return " is there more than once";
    const bool was_handed_over = is.handed_over <= cut;
    if (is.acknowledged <= cut && !was_handed_over && pending != 1) return " is lost";
    if (is.acknowledged <= cut && is.refused && pending + dead != 1) return " is lost, and failed";
    if (dead == 1 && !(is.refused && was_handed_over)) return " has not failed";
    if (is.handed_over <= stopped && pending != 0) return " was delivered, and that was durable";
    return {};
  }

  const log_kind& kind_;
  recording_files disk_;
  std::mutex mutex_;
  std::map<std::string, story> stories_;
  std::vector<std::size_t> stops_;  ///< how many changes there were when a session had stopped
  house inside_;
};

}  // namespace

TEST_CASE("a power cut at any moment of a server's run loses nothing that was acknowledged") {
  const std::size_t count = is_long_proof() ? 3'000 : 300 / proof_divisor();
  const auto seed = proof_seed();
  for (auto kind : {0, 3}) {
    server_run one(log_kinds.at(static_cast<std::size_t>(kind)));
    one.run("a");
    one.run("b");
    one.cut(count, seed);
  }
  count_proof("power cuts of a server run", 2 * count);
}
