#include "actors/queue_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <utility>

#include "actors/circuit.hpp"
#include "actors/guard.hpp"
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

/// A worker that waits for a batch.
struct asker {
  caf::typed_response_promise<work> promise;
  caf::actor_addr who;
};

/// A batch on its way.
struct lent_batch {
  std::vector<travelling> entries;
  caf::actor_addr who;
};

/// What a report means.
struct review {
  std::vector<travelling> back;  ///< to be tried again when the destination is well
  std::vector<wal::failure> dead;
  std::uint64_t delivered = 0;
  std::optional<phase> trouble;  ///< what is wrong with the destination itself
  milliseconds asked{0};         ///< how long it wants to be left alone
  std::string reason;            ///< the last one that was given
};

class counters {
 public:
  counters(core::metrics& all, const std::string& destination)
      : processed(all.get_counter("bubblefish_queue_processing_rate_total",
                                  "Entries delivered or failed for good.")),
        failed(all.get_counter("nexus_permanent_failures_total",
                               "Entries that will never be delivered.",
                               {{"destination", destination}})) {
    using destinations::outcome_kind;
    for (auto kind : {outcome_kind::delivered, outcome_kind::transient, outcome_kind::unreachable,
                      outcome_kind::config_fault, outcome_kind::permanent}) {
      outcomes.emplace(
          kind,
          &all.get_counter("nexus_deliveries_total", "Attempts to deliver an entry, by outcome.",
                           {{"destination", destination}, {"outcome", to_string(kind)}}));
    }
  }

  core::counter& processed;
  core::counter& failed;
  std::map<destinations::outcome_kind, core::counter*> outcomes;
};

class queue_state {
 public:
  static inline const char* name = "queue";

  explicit queue_state(queue_actor::pointer self) : self_(self) {}

  queue_actor::behavior_type make_behavior(queue_options options) {
    options_ = std::move(options);
    name_ = options_.how.settings.name;
    circuit_.emplace(options_.how.retry, options_.how.breaker.config_fault);
    counters_.emplace(*options_.metrics, name_);
    guard(self_, "queue of destination " + name_, options_.log);
    self_->set_down_handler([this](caf::down_msg& message) { worker_died(message.source); });
    self_->set_exit_handler([this](caf::exit_msg& message) {
      for (const auto& worker : workers_) self_->send_exit(worker, caf::exit_reason::user_shutdown);
      self_->quit(std::move(message.reason));
    });
    workers_.resize(options_.how.workers);
    for (std::size_t i = 0; i < workers_.size(); ++i) start_worker(i);
    fill();
    return {
        [this](next_atom) { return next(); },
        [this](report_atom, std::uint64_t batch, const outcome_list& outcomes) {
          report(batch, outcomes);
        },
        [this](drain_atom) { return drain(); },
        [this](wake_atom, std::uint64_t generation) { wake(generation); },
        [this](resume_atom, std::uint64_t generation) { resume(generation); },
        [this](refill_atom) { fill(); },
        [this](restart_atom, std::size_t index) { start_worker(index); },
    };
  }

 private:
  // --- workers ---

  void start_worker(std::size_t index) {
    workers_[index] = spawn_worker_actor(
        self_->system(), {name_, options_.wal, caf::actor_cast<queue_actor>(self_),
                          options_.spawn_destination, options_.how.retry, options_.log});
    self_->monitor(workers_[index]);
  }

  void worker_died(const caf::actor_addr& who) {
    std::erase_if(askers_, [&](const asker& one) { return one.who == who; });
    for (auto it = out_.begin(); it != out_.end();) {
      if (it->second.who != who) {
        ++it;
        continue;
      }
      window_.put_back(std::move(it->second.entries));
      circuit_->lost(it->first);
      it = out_.erase(it);
    }
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (workers_[i] && workers_[i].address() == who) {
        options_.log->error(
            fmt::format("destination {}: a worker has died and is started again", name_));
        self_->delayed_send(self_, restart_delay, restart_atom::value, i);
      }
    }
    proceed();
  }

  caf::result<work> next() {
    auto promise = self_->make_response_promise<work>();
    askers_.push_back({promise, caf::actor_cast<caf::actor_addr>(self_->current_sender())});
    hand_out();
    return promise;
  }

  /// While draining there is no probing: what waits for the destination stays pending.
  bool may_send() const {
    return draining() ? circuit_->state() == phase::running : circuit_->lets_through();
  }

  void hand_out() {
    while (!askers_.empty() && window_.has_ready() && may_send()) {
      auto to = std::move(askers_.front());
      askers_.pop_front();
      work next{++last_batch_, {}};
      auto lent = window_.lend(options_.how.batch_entries_max, options_.how.batch_bytes_max);
      for (const auto& one : lent) next.what.entries.push_back(one.entry);
      circuit_->sent(next.batch);
      out_.emplace(next.batch, lent_batch{std::move(lent), to.who});
      to.promise.deliver(std::move(next));
    }
  }

  // --- outcomes ---

  void report(std::uint64_t batch, const outcome_list& outcomes) {
    auto found = out_.extract(batch);
    if (found.empty()) return;  // of a worker that was given up; its entries are on their way again
    review seen;
    auto& entries = found.mapped().entries;
    for (std::size_t i = 0; i < entries.size(); ++i)
      judge(std::move(entries[i]), outcomes[i], seen);
    window_.put_back(std::move(seen.back));
    dead_letter(seen);
    judge_destination(batch, seen);
    show(seen);
    proceed();
  }

  void judge(travelling entry, const destinations::outcome& outcome, review& seen) {
    counters_->outcomes.at(outcome.kind)->add();
    auto verdict = destinations::judge(options_.how.retry, outcome, entry.attempts, random());
    entry.attempts = verdict.attempts;
    if (!verdict.reason.empty()) seen.reason = verdict.reason;
    switch (verdict.what) {
      case reaction::done:
        ++seen.delivered;
        return window_.release(entry);
      case reaction::retry:
        // An entry left out here is still pending in the log, and delivered after the next start.
        if (draining()) return window_.release(entry);
        return window_.delay(std::move(entry), self_->clock().now() + verdict.delay);
      case reaction::dead_letter:
        seen.dead.push_back({entry.entry->payload_id, std::move(verdict.reason)});
        return window_.release(entry);
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
    options_.log->error(
        fmt::format("destination {}: {} entries will never be delivered, first {}: {}", name_,
                    seen.dead.size(), seen.dead.front().payload_id, seen.dead.front().reason));
    self_->send(options_.wal, failed_atom::value, name_, seen.dead);
  }

  void judge_destination(std::uint64_t batch, const review& seen) {
    const auto before = circuit_->state();
    if (!seen.trouble) {
      if (circuit_->answered())
        options_.log->info(fmt::format("destination {}: delivers again", name_));
      return;
    }
    const auto delay =
        circuit_->failed(batch, *seen.trouble, seen.asked, seen.delivered > 0, random());
    if (!delay) return;
    self_->delayed_send(self_, *delay, resume_atom::value, ++resume_generation_);
    if (circuit_->state() == before) return;  // said already
    if (*seen.trouble == phase::misconfigured) {
      options_.log->error(fmt::format(
          "destination {}: paused until its configuration is mended, tried every {} ms: {}", name_,
          delay->count(), seen.reason));
    } else {
      options_.log->warn(
          fmt::format("destination {}: unreachable, entries wait: {}", name_, seen.reason));
    }
  }

  // --- time ---

  void wake(std::uint64_t generation) {
    if (generation != wake_generation_) return;
    wake_at_.reset();
    window_.wake(self_->clock().now());
    proceed();
  }

  void arm_wake() {
    const auto due = window_.next_due();
    if (!due || (wake_at_ && *wake_at_ <= *due)) return;
    wake_at_ = due;
    self_->delayed_send(self_,
                        std::max(*due - self_->clock().now(), window::time_point::duration{0}),
                        wake_atom::value, ++wake_generation_);
  }

  void resume(std::uint64_t generation) {
    if (generation != resume_generation_) return;
    circuit_->resume();
    proceed();
  }

  // --- entries from the log ---

  void fill() {
    if (fetching_ || at_end_ || (draining() && !may_send())) return;
    const auto& how = options_.how;
    const std::size_t entries =
        how.window_entries_max - std::min(how.window_entries_max, window_.entries());
    const std::size_t bytes =
        how.window_bytes_max - std::min(how.window_bytes_max, window_.bytes());
    if (entries == 0 || bytes == 0 || entries < how.window_entries_max / 4 ||
        bytes < how.window_bytes_max / 4)
      return;
    fetching_ = true;
    fetch_request what{name_, cursor_, std::min(entries, fetch_entries_max),
                       std::min(bytes, fetch_bytes_max)};
    self_->request(options_.wal, caf::infinite, fetch_atom::value, std::move(what))
        .then([this](const fetched& answer) { take_in(answer); },
              [this](const caf::error& reason) { fetch_failed(reason); });
  }

  void take_in(const fetched& answer) {
    fetching_ = false;
    cursor_ = answer.next;
    at_end_ = answer.last;
    for (const auto& entry : answer.entries) window_.add(entry);
    show({});
    proceed();
  }

  void fetch_failed(const caf::error& reason) {
    fetching_ = false;
    options_.log->error(
        fmt::format("destination {}: entries cannot be read from the log, tried again in {} ms: {}",
                    name_, refill_delay.count(), from_caf(self_->system(), reason).text));
    if (draining()) {
      at_end_ = true;  // what could not be read stays pending
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
  }

  bool draining() const { return drained_.has_value(); }

  caf::result<void> drain() {
    auto promise = self_->make_response_promise<void>();
    drained_ =
        promise;  // a typed promise of nothing cannot be settled in CAF 0.17, an untyped one can
    window_.release_delayed();
    proceed();
    return promise;
  }

  void finish_drain() {
    if (!draining() || !out_.empty() || fetching_) return;
    const bool nothing_left = at_end_ && !window_.has_ready();
    if (drained_->pending() && (nothing_left || !may_send())) drained_->deliver(caf::unit);
  }

  void show(const review& seen) {
    counters_->processed.add(static_cast<double>(seen.delivered + seen.dead.size()));
    counters_->failed.add(static_cast<double>(seen.dead.size()));
    options_.shown->update([&](destination_status& status) {
      status.state = circuit_->state();
      status.queued = window_.entries();
      status.delivered += seen.delivered;
      status.failed += seen.dead.size();
      if (seen.delivered > 0) status.last_error.clear();
      if (!seen.reason.empty()) status.last_error = seen.reason;
    });
  }

  double random() { return std::uniform_real_distribution<double>(0, 1)(generator_); }

  queue_actor::pointer self_;
  queue_options options_;
  std::string name_;
  std::optional<circuit> circuit_;
  std::optional<counters> counters_;
  std::vector<worker_actor> workers_;
  std::deque<asker> askers_;
  window window_;
  std::map<std::uint64_t, lent_batch> out_;
  std::uint64_t last_batch_ = 0;
  wal::position cursor_ = 0;
  bool fetching_ = false;
  bool at_end_ = false;  ///< nothing will follow any more
  std::optional<window::time_point> wake_at_;
  std::uint64_t wake_generation_ = 0;
  std::uint64_t resume_generation_ = 0;
  std::optional<caf::response_promise> drained_;
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
