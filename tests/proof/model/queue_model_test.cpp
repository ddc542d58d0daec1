// Random actions on a queue whose workers are the test, and on a model of it: no entry travels
// twice at once, none is handed out again once it is settled, each ends delivered or failed after
// as many attempts as it has, and new ones come in order.
//
// Messages and time move only by hand (tests/actors/deterministic.hpp). Workers report outcomes of
// every kind in any order, report what they no longer hold, break down, or die with a batch or
// while they wait for one. At its end each run delivers what is left, and nothing may be missing.
//
// A run that fails prints its seed and its actions; NEXUS_MODEL_SEED runs that one alone. Seeds
// that have failed once stay in `known_seeds`. NEXUS_PROOF_SIZE=long makes many more runs.
#include <random>

#include "tests/actors/queue_house.hpp"
#include "tests/proof/model/queue_model.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::actors;
using destinations::outcome_kind;
using place = queue_model::place;

namespace {

constexpr std::size_t entry_count = 60;
constexpr int actions_per_run = 150;

std::vector<std::size_t> numbers_of(const work& batch) {
  std::vector<std::size_t> numbers;
  for (const auto& one : batch.what.entries)
    numbers.push_back(std::stoul(one->payload_id.substr(1)));
  return numbers;
}

class run {
 public:
  explicit run(std::uint64_t seed)
      : seed_(seed),
        random_(seed),
        in_(entry_count),
        model_(entry_count, in_.how.retry.max_attempts) {
    in_.how.window_entries_max = 10 + pick(30);
    in_.how.batch_entries_max = 1 + pick(8);
    in_.start();
  }

  void act() {
    switch (pick(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        ask();
        break;
      case 4:
      case 5:
      case 6:
        report_any();
        break;
      case 7:
        pass();
        break;
      case 8:
        pick(2) == 0 ? die() : break_down();
        break;
      case 9:
        pick(2) == 0 ? report_stale() : pause();
        break;
    }
    check();
  }

  /// From now on everything is delivered.
  void finish() {
    note("finish");
    in_.self->send(in_.queue, resume_atom::value);
    in_.settle();
    while (!held_.empty()) answer(outcome_kind::delivered);
    for (int i = 0; i < 2'000 && left() > 0; ++i) {
      in_.pass(std::chrono::seconds(8));
      ask();
      if (!held_.empty()) answer(outcome_kind::delivered);
    }
    if (left() > 0) fail(std::to_string(left()) + " entries are never handed out");
    check();
    if (in_.status().queued != 0) fail("it still holds entries");
  }

 private:
  struct holding {
    work batch;
    caf::actor_addr who;
  };

  std::size_t pick(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  void note(std::string what) { trace_.push_back(std::move(what)); }
  std::size_t left() const {
    return entry_count - model_.count(place::delivered) - model_.count(place::failed);
  }

  void tell_death_of(const caf::actor_addr& who) {
    caf::anon_send(caf::actor_cast<caf::actor>(in_.queue),
                   caf::down_msg{who, caf::exit_reason::kill});
    in_.settle();
  }

  /// A worker asks for a batch; where it gets none it dies, so that it waits for none.
  void ask() {
    caf::scoped_actor worker{in_.system};
    auto asked = worker->request(in_.queue, caf::infinite, next_atom::value);
    in_.settle();
    if (!worker->has_next_message()) {
      note("ask in vain");
      return tell_death_of(worker->address());
    }
    asked.receive(
        [&](work& given) {
          held_.push_back({std::move(given), worker->address()});
        },
        [&](const caf::error& reason) { fail(in_.system.render(reason)); });
    const auto numbers = numbers_of(held_.back().batch);
    std::string text = "get";
    for (auto i : numbers) text += " " + std::to_string(i);
    note(text);
    if (numbers.size() > in_.how.batch_entries_max) fail("a batch is too large");
    if (const auto wrong = model_.hand_out(numbers); !wrong.empty()) fail(wrong);
  }

  holding take() {
    const auto at = held_.begin() + static_cast<std::ptrdiff_t>(pick(held_.size()));
    auto taken = std::move(*at);
    held_.erase(at);
    return taken;
  }

  void report_any() {
    if (held_.empty()) return;
    const auto taken = take();
    const auto& entries = taken.batch.what.entries;
    outcome_list outcomes;
    std::string text = "report";
    for (std::size_t i = 0; i < std::max<std::size_t>(entries.size(), 1); ++i) {
      constexpr outcome_kind kinds[] = {outcome_kind::delivered,   outcome_kind::delivered,
                                        outcome_kind::transient,   outcome_kind::permanent,
                                        outcome_kind::unreachable, outcome_kind::config_fault};
      const auto kind = kinds[pick(std::size(kinds))];
      outcomes.push_back({kind, kind == outcome_kind::delivered ? "" : "scripted", {}});
      text += " " + std::to_string(static_cast<int>(kind));
      if (!entries.empty()) model_.answer(numbers_of(taken.batch)[i], kind);
    }
    note(text);
    in_.finish(taken.batch, {outcomes, false});
    last_ = taken.batch;
  }

  void answer(outcome_kind kind) {
    const auto taken = take();
    for (auto i : numbers_of(taken.batch)) model_.answer(i, kind);
    auto outcomes = test::all(taken.batch.what.entries, kind);
    if (outcomes.empty()) outcomes.push_back({kind, "", {}});
    in_.finish(taken.batch, {std::move(outcomes), false});
  }

  void die() {
    if (held_.empty()) return;
    note("die");
    const auto taken = take();
    for (auto i : numbers_of(taken.batch)) model_.give_back(i);
    tell_death_of(taken.who);
    last_ = taken.batch;
  }

  void break_down() {
    if (held_.empty() || held_.back().batch.what.entries.empty()) return;
    note("break down");
    const auto taken = std::move(held_.back());
    held_.pop_back();
    for (auto i : numbers_of(taken.batch)) model_.give_back(i);
    in_.break_down(taken.batch);
  }

  /// Of a batch that was answered, or whose worker is dead.
  void report_stale() {
    if (!last_) return;
    note("report once more");
    auto outcomes = test::all(last_->what.entries, outcome_kind::delivered);
    if (outcomes.empty()) outcomes.push_back({outcome_kind::delivered, "", {}});
    in_.finish(*last_, {std::move(outcomes), false});
  }

  void pass() {
    note("pass");
    in_.pass(std::chrono::milliseconds(pick(40'000)));
  }

  void pause() {
    note("pause, ask, resume");
    in_.self->send(in_.queue, pause_atom::value);
    const auto before = held_.size();
    ask();
    if (held_.size() != before) fail("a paused queue hands out");
    in_.self->send(in_.queue, resume_atom::value);
    in_.settle();
  }

  void check() {
    if (in_.status().delivered != model_.count(place::delivered)) fail("how many are delivered");
    if (in_.log->failures.size() != model_.count(place::failed)) fail("how many have failed");
    for (const auto& one : in_.log->failures)
      if (model_.where(std::stoul(one.payload_id.substr(1))) != place::failed)
        fail(one.payload_id + " has not failed");
    if (in_.status().queued > in_.how.window_entries_max) fail("the window is too full");
  }

  void fail(const std::string& what) {
    std::string text = "NEXUS_MODEL_SEED=" + std::to_string(seed_);
    for (const auto& one : trace_) text += "\n  " + one;
    FAIL(what << "\n" << text);
  }

  const std::uint64_t seed_;
  std::mt19937_64 random_;
  queue_house in_;
  queue_model model_;
  std::vector<holding> held_;
  std::optional<work> last_;
  std::vector<std::string> trace_;
};

void try_seed(std::uint64_t seed) {
  run one(seed);
  for (int i = 0; i < actions_per_run; ++i) one.act();
  one.finish();
}

/// Those that have failed once.
constexpr std::uint64_t known_seeds[] = {2469588189546311528U};

}  // namespace

TEST_CASE("a queue does what its model does, whatever its workers report and whenever they die") {
  if (std::getenv("NEXUS_MODEL_SEED") != nullptr) return try_seed(proof_seed("NEXUS_MODEL_SEED"));
  for (auto seed : known_seeds) try_seed(seed);
  std::mt19937_64 seeds(proof_seed());
  const std::uint64_t runs = is_long_proof() ? 50'000 : 1'000 / proof_divisor();
  for (std::uint64_t i = 0; i < runs; ++i) try_seed(seeds());
  count_proof("model actions on the queue", (runs + std::size(known_seeds)) * actions_per_run);
}
