#include "actors/queue_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "actors/circuit.hpp"
#include "actors/delivery_counters.hpp"
#include "actors/guard.hpp"
#include "actors/queue_parts.hpp"
#include "actors/spoken.hpp"
#include "actors/window.hpp"

namespace nexus::actors {
namespace {

using destinations::reaction;
using phase = destination_status::phase;
using std::chrono::milliseconds;

/// Largest fetch: the log reads it between two commits, so it bounds how long appends wait for it.
constexpr std::size_t fetch_entries_max = 2'000;
constexpr std::size_t fetch_bytes_max = 4 * 1024 * 1024;

constexpr milliseconds refill_delay{1'000};   ///< after a fetch that failed
constexpr milliseconds restart_delay{1'000};  ///< after a worker that died

class queue_state {
 public:
  static inline const char* name = "queue";

  explicit queue_state(queue_actor::pointer self) : self_(self) {}

  queue_actor::behavior_type make_behavior(queue_options options) {
    options_ = std::move(options);
    name_ = options_.how.settings.name;
    window_ = make_window(options_.how.keep, options_.in_order);
    circuit_.emplace(options_.how.breaker);
    held_ = options_.how.paused;
    counters_.emplace(*options_.metrics, name_);
    guard(self_, "queue of " + spoken(name_), options_.log);
    self_->set_down_handler([this](caf::down_msg& message) { worker_died(message.source); });
    self_->set_exit_handler([this](caf::exit_msg& message) {
      for (const auto& worker : workers_) self_->send_exit(worker, caf::exit_reason::user_shutdown);
      self_->quit(std::move(message.reason));
    });
    workers_.resize(options_.how.workers);
    for (std::size_t i = 0; i < workers_.size(); ++i) start_worker(i);
    show({});
    fill();
    return {
        [this](next_atom) { return next(); },
        [this](report_atom, std::uint64_t batch, const delivery_result& result) {
          report(batch, result);
        },
        [this](drain_atom) { return drain(); },
        [this](retire_atom) { return retire(); },
        [this](pause_atom) { pause(); },
        [this](resume_atom) { resume(); },
        [this](wake_atom, std::uint64_t generation) { wake(generation); },
        [this](probe_atom, std::uint64_t generation) { probe(generation); },
        [this](refill_atom) { fill(); },
        [this](restart_atom, std::size_t index) { start_worker(index); },
    };
  }

 private:
  // --- workers ---

  void start_worker(std::size_t index) {
    workers_[index] = spawn_worker_actor(
        self_->system(),
        {name_, options_.wal, caf::actor_cast<queue_actor>(self_), options_.spawn_destination,
         options_.how.settings.timeout, options_.how.retry, options_.shown, options_.log});
    self_->monitor(workers_[index]);
  }

  void worker_died(const caf::actor_addr& who) {
    std::erase_if(askers_, [&](const asker& one) { return one.who == who; });
    for (auto it = out_.begin(); it != out_.end();) {
      if (it->second.who != who) {
        ++it;
        continue;
      }
      window_->put_back(std::move(it->second.entries));
      circuit_->lost(it->first);
      it = out_.erase(it);
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i] && workers_[i].address() == who) {
        options_.log->error(
            fmt::format("{}: a worker has died and is started again", spoken(name_)));
        self_->delayed_send(self_, restart_delay, restart_atom::value, i);
      }
    }
    proceed();
  }

  caf::result<work> next() {
    // First of all: the promise takes the sender out of the message.
    auto who = caf::actor_cast<caf::actor_addr>(self_->current_sender());
    auto promise = self_->make_response_promise<work>();
    askers_.push_back({promise, std::move(who)});
    proceed();
    return promise;
  }

  /// While draining there is no probing: what waits for the destination stays pending.
  bool may_send() const {
    if (held_ || retired_) return false;
    return draining() ? circuit_->state() == phase::running : circuit_->lets_through();
  }

  /// A batch that is not full waits a little for more.
  bool is_batch_due() const {
    const auto& how = options_.how;
    return window_->has_ready() && (how.linger == milliseconds{0} || draining() ||
                                    window_->has_ready(how.batch_entries_max) ||
                                    self_->clock().now() >= ready_since_ + how.linger);
  }

  /// Whether the destination is to be asked how it is: at the start, and where nothing is there to
  /// probe it with.
  bool is_question_due() const {
    return may_send() && !draining() &&
           (unknown_ || (circuit_->probe_due() && !window_->has_ready()));
  }

  void hand_out() {
    if (!askers_.empty() && is_question_due()) {
      unknown_ = false;
      lend({});
    }
    while (!askers_.empty() && may_send() && is_batch_due()) {
      lend(window_->lend(options_.how.batch_entries_max, options_.how.batch_bytes_max));
      ready_since_ = self_->clock().now();
    }
  }

  void lend(std::vector<travelling> entries) {
    auto to = std::move(askers_.front());
    askers_.pop_front();
    work next{++last_batch_, {}};
    for (const auto& one : entries) next.what.entries.push_back(one.entry);
    circuit_->sent(next.batch);
    out_.emplace(next.batch, lent_batch{std::move(entries), to.who});
    to.promise.deliver(std::move(next));
  }

  // --- outcomes ---

  void report(std::uint64_t batch, const delivery_result& result) {
    auto found = out_.extract(batch);
    if (found.empty()) return;  // of a worker that was given up; its entries are on their way again
    review seen;
    auto& entries = found.mapped().entries;
    if (entries.empty()) {
      judge_answer(result.outcomes.front(), seen);
    } else if (result.broken) {
      isolate(std::move(entries), result, seen);
    } else {
      seen.attempts = entries.size();
      for (std::size_t i = 0; i < entries.size(); ++i)
        judge(std::move(entries[i]), result.outcomes[i], seen);
    }
    window_->put_back(std::move(seen.back));
    dead_letter(seen);
    judge_destination(batch, seen);
    show(seen);
    proceed();
  }

  /// A destination broke down over a batch. It may be one of the entries: alone they find out
  /// which, and that one then waits longer and longer, so that the others get through.
  void isolate(std::vector<travelling> entries, const delivery_result& result, review& seen) {
    seen.trouble = phase::waiting;
    seen.reason = result.outcomes.front().reason;
    seen.attempts = entries.size();
    counters_->outcomes.at(destinations::outcome_kind::unreachable)
        ->add(static_cast<double>(entries.size()));
    const bool was_alone = entries.size() == 1;
    for (auto& one : entries) one.alone = true;
    if (!was_alone) {
      seen.back = std::move(entries);
      return;
    }
    auto& one = entries.front();
    // Each time that it hangs it costs an instance, and of those there are few.
    const bool only_this = one.breakdowns > 0 && taken_ > one.taken_then;
    if (draining() || (result.hung && only_this)) return leave(one, seen.reason);
    one.taken_then = taken_;
    const auto delay =
        destinations::next_delay(options_.how.retry, ++one.breakdowns, 0.5 + random() / 2);
    options_.log->error(
        fmt::format("{}: broke down over entry {} alone, which is tried again in {} ms: {}",
                    spoken(name_), one.entry->payload_id, delay.count(), seen.reason));
    window_->delay(std::move(one), self_->clock().now() + delay);
  }

  /// It stays pending in the log.
  void leave(const travelling& one, const std::string& why) {
    if (!draining()) {
      options_.log->error(
          fmt::format("{}: hung again over entry {} alone, while it takes others; the "
                      "entry is left "
                      "for the next start: {}",
                      spoken(name_), one.entry->payload_id, why));
    }
    window_->leave(one);
  }

  /// The answer to a question.
  void judge_answer(const destinations::outcome& answer, review& seen) {
    using destinations::outcome_kind;
    seen.well = answer.kind == outcome_kind::delivered;
    if (seen.well) return;
    seen.reason = answer.reason;
    seen.trouble =
        answer.kind == outcome_kind::config_fault ? phase::misconfigured : phase::waiting;
  }

  void judge(travelling entry, const destinations::outcome& outcome, review& seen) {
    counters_->outcomes.at(outcome.kind)->add();
    auto verdict = destinations::judge(options_.how.retry, outcome, entry.attempts, random());
    entry.attempts = verdict.attempts;
    if (!verdict.reason.empty()) seen.reason = verdict.reason;
    switch (verdict.what) {
      case reaction::done:
        ++seen.delivered;
        ++taken_;
        return window_->release(entry);
      case reaction::retry:
        // An entry left out here is still pending in the log, and delivered after the next start.
        if (draining()) return window_->leave(entry);
        return window_->delay(std::move(entry), self_->clock().now() + verdict.delay);
      case reaction::dead_letter:
        seen.dead.push_back({entry.entry->payload_id, std::move(verdict.reason)});
        return window_->release(entry);
      case reaction::wait:
        if (!seen.trouble) seen.trouble = phase::waiting;
        break;
      case reaction::pause:
        seen.trouble = phase::misconfigured;
        break;
    }
    seen.asked = std::max(seen.asked, verdict.delay);
    seen.back.push_back(std::move(entry));
  }

  void dead_letter(const review& seen) {
    if (seen.dead.empty()) return;
    options_.log->error(fmt::format("{}: {} entries will never be delivered, first {}: {}",
                                    spoken(name_), seen.dead.size(), seen.dead.front().payload_id,
                                    seen.dead.front().reason));
    self_->send(options_.wal, failed_atom::value, name_, seen.dead);
  }

  void judge_destination(std::uint64_t batch, const review& seen) {
    const auto before = circuit_->state();
    if (!seen.trouble) {
      if (circuit_->answered())
        options_.log->info(fmt::format("{}: delivers again", spoken(name_)));
      return;
    }
    const auto delay =
        circuit_->failed(batch, *seen.trouble, seen.asked, seen.delivered > 0, random());
    if (!delay) return;
    self_->delayed_send(self_, *delay, probe_atom::value, ++probe_generation_);
    if (circuit_->state() == before) return;  // said already
    if (*seen.trouble == phase::misconfigured) {
      options_.log->error(
          fmt::format("{}: cannot be used until it or its configuration is mended, tried every {} "
                      "ms; its entries wait: {}",
                      spoken(name_), delay->count(), seen.reason));
    } else {
      options_.log->warn(
          fmt::format("{}: unreachable, entries wait: {}", spoken(name_), seen.reason));
    }
  }

  // --- the operator ---

  void pause() {
    if (!std::exchange(held_, true))
      options_.log->info(fmt::format("{}: paused by the operator", spoken(name_)));
    show({});
  }

  void resume() {
    if (std::exchange(held_, false))
      options_.log->info(fmt::format("{}: resumed by the operator", spoken(name_)));
    circuit_->resume();
    show({});
    proceed();
  }

  // --- time ---

  void wake(std::uint64_t generation) {
    if (generation != wake_generation_) return;
    wake_at_.reset();
    window_->wake(self_->clock().now());
    proceed();
  }

  void arm_wake() {
    auto due = window_->next_due();
    if (!askers_.empty() && may_send() && window_->has_ready()) {
      const auto lingers_until = ready_since_ + options_.how.linger;
      due = std::min(due.value_or(lingers_until), lingers_until);
    }
    if (!due || (wake_at_ && *wake_at_ <= *due)) return;
    wake_at_ = due;
    self_->delayed_send(self_,
                        std::max(*due - self_->clock().now(), window::time_point::duration{0}),
                        wake_atom::value, ++wake_generation_);
  }

  void probe(std::uint64_t generation) {
    if (generation != probe_generation_) return;
    circuit_->resume();
    show({});
    proceed();
  }

  // --- entries from the log ---

  void fill() {
    if (retired_) return;
    if (draining() && (unreadable_ || !may_send())) return;
    if (const auto missing = window_->gap(); missing && !refilling_) refill(*missing);
    if (fetching_ || at_end_ || (!has_room() && !(window_->make_room() && has_room()))) return;
    const auto& how = options_.how;
    fetching_ = true;
    fetch({name_, cursor_, how.window_entries_max - window_->entries(),
           how.window_bytes_max - window_->bytes()},
          fetching_, [this](const fetched& answer) { take_in(answer); });
  }

  bool has_room() const {
    const auto& how = options_.how;
    return window_->entries() <= how.window_entries_max - how.window_entries_max / 4 &&
           window_->entries() < how.window_entries_max &&
           window_->bytes() <= how.window_bytes_max - how.window_bytes_max / 4 &&
           window_->bytes() < how.window_bytes_max;
  }

  void refill(const window::missing& what) {
    refilling_ = true;
    fetch({name_, what.from, options_.how.window_entries_max, options_.how.window_bytes_max, false},
          refilling_, [this, key = what.key](const fetched& answer) {
            window_->refill(key, answer.entries, answer.next, cursor_);
          });
  }

  /// `busy`: set until the answer is there.
  void fetch(fetch_request what, bool& busy, std::function<void(const fetched&)> use) {
    what.entries_max = std::min(what.entries_max, fetch_entries_max);
    what.bytes_max = std::min(what.bytes_max, fetch_bytes_max);
    self_->request(options_.wal, caf::infinite, fetch_atom::value, std::move(what))
        .then(
            [this, &busy, use = std::move(use)](const fetched& answer) {
              busy = false;
              use(answer);
              show({});
              proceed();
            },
            [this, &busy](const caf::error& reason) {
              busy = false;
              fetch_failed(reason);
            });
  }

  void take_in(const fetched& answer) {
    cursor_ = answer.next;
    at_end_ = answer.last;
    if (!window_->has_ready()) ready_since_ = self_->clock().now();
    for (const auto& entry : answer.entries) window_->add(entry);
  }

  void fetch_failed(const caf::error& reason) {
    options_.log->error(
        fmt::format("{}: entries cannot be read from the log, tried again in {} ms: {}",
                    spoken(name_), refill_delay.count(), from_caf(self_->system(), reason).text));
    if (draining() || retired_) {
      unreadable_ = true;  // what could not be read stays pending
      return proceed();
    }
    self_->delayed_send(self_, refill_delay, refill_atom::value);
  }

  // --- all together ---

  /// Does whatever has become possible.
  void proceed() {
    hand_out();
    fill();
    arm_wake();
    finish_drain();
    finish_retiring();
  }

  bool draining() const { return drained_.has_value(); }

  caf::result<void> drain() {
    auto promise = self_->make_response_promise<void>();
    drained_ =
        promise;  // a typed promise of nothing cannot be settled in CAF 0.17, an untyped one can
    window_->leave_delayed();
    proceed();
    return promise;
  }

  void finish_drain() {
    if (!draining() || !out_.empty() || fetching_ || refilling_) return;
    const bool all_read = unreadable_ || (at_end_ && !window_->gap());
    const bool nothing_left = all_read && !window_->has_ready();
    if (drained_->pending() && (nothing_left || !may_send())) drained_->deliver(caf::unit);
  }

  caf::result<void> retire() {
    auto promise = self_->make_response_promise<void>();
    if (!retired_) self_->send(options_.wal, leave_atom::value, name_);
    retired_ = promise;
    proceed();
    return promise;
  }

  void finish_retiring() {
    if (!retired_ || !retired_->pending() || fetching_ || refilling_) return;
    const auto is_question = [](const auto& one) { return one.second.entries.empty(); };
    if (std::all_of(out_.begin(), out_.end(), is_question)) retired_->deliver(caf::unit);
  }

  void show(const review& seen) {
    counters_->processed.add(static_cast<double>(seen.delivered + seen.dead.size()));
    counters_->failed.add(static_cast<double>(seen.dead.size()));
    options_.shown->update([&](destination_status& status) {
      status.state = held_ ? phase::paused : circuit_->state();
      status.breaker = circuit_->breaker();
      status.queued = window_->entries();
      status.attempts += seen.attempts;
      status.delivered += seen.delivered;
      status.failed += seen.dead.size();
      if (seen.delivered > 0 || seen.well) status.last_error.clear();
      if (!seen.reason.empty()) status.last_error = seen.reason;
    });
  }

  double random() { return std::uniform_real_distribution<double>(0, 1)(generator_); }

  queue_actor::pointer self_;
  queue_options options_;
  std::string name_;
  std::optional<circuit> circuit_;
  std::optional<delivery_counters> counters_;
  std::vector<worker_actor> workers_;
  std::deque<asker> askers_;
  std::unique_ptr<window> window_;
  std::map<std::uint64_t, lent_batch> out_;
  std::uint64_t last_batch_ = 0;
  wal::position cursor_ = 0;
  bool fetching_ = false;
  bool refilling_ = false;
  bool at_end_ = false;      ///< nothing will follow any more
  bool unreadable_ = false;  ///< the log, while draining
  bool held_ = false;        ///< by the operator
  bool unknown_ = true;      ///< nobody has asked the destination yet how it is
  std::uint64_t taken_ = 0;  ///< entries that the destination has taken
  window::time_point ready_since_{};
  std::optional<window::time_point> wake_at_;
  std::uint64_t wake_generation_ = 0;
  std::uint64_t probe_generation_ = 0;
  std::optional<caf::response_promise> drained_;
  std::optional<caf::response_promise> retired_;
  std::mt19937_64 generator_{std::random_device{}()};  // jitter only
};

static_assert(!std::is_aggregate_v<queue_state>);

queue_actor::behavior_type run(queue_actor::stateful_pointer<queue_state> self,
                               queue_options options) {
  return self->state.make_behavior(std::move(options));
}

}  // namespace

queue_actor spawn_queue_actor(caf::actor_system& system, queue_options options) {
  return system.spawn(run, std::move(options));
}

}  // namespace nexus::actors
