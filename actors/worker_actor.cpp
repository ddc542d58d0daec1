#include "actors/worker_actor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "actors/guard.hpp"
#include "actors/spoken.hpp"

namespace nexus::actors {
namespace {

using destinations::outcome_kind;
using std::chrono::milliseconds;

outcome_kind kind_of(const core::error& reason) {
  return reason.code == core::errc::bad_config ? outcome_kind::config_fault
                                               : outcome_kind::unreachable;
}

class worker_state {
 public:
  static inline const char* name = "worker";

  explicit worker_state(worker_actor::pointer self) : self_(self) {}

  worker_actor::behavior_type make_behavior(worker_options options) {
    options_ = std::move(options);
    guard(self_, "worker of destination " + options_.destination, options_.log);
    self_->set_down_handler([this](caf::down_msg& message) { ended(message); });
    self_->set_exit_handler([this](caf::exit_msg& message) {
      if (destination_) self_->send_exit(destination_, caf::exit_reason::user_shutdown);
      self_->quit(std::move(message.reason));
    });
    start_destination();
    return {[this](restart_atom) { start_destination(); }};
  }

 private:
  // --- the destination ---

  void start_destination() {
    if (destination_ || abandoned_.size() >= abandoned_max) return;
    resting_ = false;
    auto spawned = options_.spawn_destination(self_->system());
    if (spawned.ok()) {
      destination_ = *std::move(spawned);
      self_->monitor(destination_);
    } else {
      restart_later(spawned.reason());
    }
    ask();
  }

  void ended(const caf::down_msg& message) {
    if (std::erase(abandoned_, message.source) > 0) {
      // The timer may have found that there were too many.
      if (abandoned_.size() + 1 == abandoned_max) start_destination();
      return;
    }
    if (!destination_ || message.source != destination_.address()) return;
    destination_ = nullptr;
    broke_down("it ended: " + from_caf(self_->system(), message.reason).text);
  }

  /// Gives up a destination that may still be running.
  void give_up(const std::string& why, bool hung = false) {
    if (destination_) {
      abandoned_.push_back(destination_.address());
      self_->send_exit(destination_, caf::exit_reason::kill);
      destination_ = nullptr;
    }
    broke_down(why, hung);
  }

  void broke_down(const std::string& why, bool hung = false) {
    options_.shown->update([](destination_status& status) { ++status.restarts; });
    restart_later({core::errc::unreachable, why});
    resting_ = true;
    // An actor that ends with a promise in its hands answers nobody.
    if (!in_hand_) return;
    report({nothing_but(outcome_kind::unreachable, why), true, hung});
  }

  void restart_later(core::error why) {
    const double random = std::uniform_real_distribution<double>(0.5, 1)(generator_);
    const auto delay = destinations::next_delay(options_.restart, ++failed_starts_, random);
    const auto text = fmt::format("{}: not running, started again in {} ms: {}",
                                  spoken(options_.destination), delay.count(), why.text);
    // Said by the queue, once, where it is the first thing that is wrong with it.
    if (why.code == core::errc::bad_config) {
      options_.log->debug(text);
    } else {
      options_.log->warn(text);
    }
    not_running_ = std::move(why);
    self_->delayed_send(self_, delay, restart_atom::value);
  }

  // --- batches ---

  void ask() {
    // Other workers may have an instance: what they could deliver is not for us to refuse. Where
    // none can be made the queue must hear why.
    if (resting_ || asking_ || in_hand_) return;
    asking_ = true;
    self_->request(options_.queue, caf::infinite, next_atom::value)
        .then([this](const work& next) { take(next); },
              [this](const caf::error& reason) {
                self_->quit(reason);
              });  // the queue is gone: so is our purpose
  }

  void take(const work& next) {
    asking_ = false;
    in_hand_ = next;
    if (!destination_) return refused(not_running_);
    if (next.what.entries.empty()) return ping(next.batch);
    self_->request(destination_, hang_limit(options_.timeout), deliver_atom::value, next.what)
        .then(
            [this, batch = next.batch](outcome_list& outcomes) {
              if (holds(batch)) finish(std::move(outcomes));
            },
            [this, batch = next.batch](const caf::error& reason) {
              if (holds(batch)) failed(reason);
            });
  }

  /// False for an answer that comes after its batch was given up.
  bool holds(std::uint64_t batch) const { return in_hand_ && in_hand_->batch == batch; }

  void ping(std::uint64_t batch) {
    self_->request(destination_, hang_limit(options_.timeout), ping_atom::value)
        .then(
            [this, batch] {
              if (holds(batch)) report({outcome_list(1)});
            },
            [this, batch](const caf::error& reason) {
              if (!holds(batch)) return;
              const auto why = from_caf(self_->system(), reason);
              // A type that cannot be asked is told by the first batch.
              if (why.code == core::errc::unsupported) return report({outcome_list(1)});
              if (reason == caf::sec::request_timeout) return failed(reason);
              refused(why);
            });
  }

  void failed(const caf::error& reason) {
    const auto why = from_caf(self_->system(), reason);
    if (why.code == core::errc::unreachable || why.code == core::errc::bad_config)
      return refused(why);
    if (reason == caf::sec::request_timeout) {
      return give_up(fmt::format("it gave no answer within {} ms; another instance takes over",
                                 hang_limit(options_.timeout).count()),
                     true);
    }
    give_up(why.text);
  }

  /// Nobody could be asked.
  void refused(const core::error& why) { report({nothing_but(kind_of(why), why.text)}); }

  /// The same outcome for all that is in hand, or for a question.
  outcome_list nothing_but(outcome_kind kind, const std::string& why) const {
    const auto count = std::max<std::size_t>(in_hand_->what.entries.size(), 1);
    return outcome_list(count, {kind, why, {}});
  }

  void finish(outcome_list outcomes) {
    const auto& entries = in_hand_->what.entries;
    if (outcomes.size() != entries.size()) {
      return give_up(
          fmt::format("it gave {} outcomes for {} entries", outcomes.size(), entries.size()));
    }
    const auto is_unknown = [](const auto& one) { return one.kind > outcome_kind::permanent; };
    if (std::any_of(outcomes.begin(), outcomes.end(), is_unknown)) {
      return give_up("it gave an outcome that there is not");
    }
    failed_starts_ = 0;
    std::vector<std::string> delivered;
    delivered.reserve(entries.size());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (outcomes[i].kind == outcome_kind::delivered) delivered.push_back(entries[i]->payload_id);
    }
    // Before the report: who hears from the queue that all is done may rely on the marks being in
    // the log's mailbox.
    if (!delivered.empty()) {
      self_->send(options_.wal, delivered_atom::value, options_.destination, std::move(delivered));
    }
    report({std::move(outcomes)});
  }

  void report(delivery_result result) {
    const auto batch = in_hand_->batch;
    in_hand_.reset();
    // Where all is well the next batch need not wait until the queue has gone through this one.
    const auto& all = result.outcomes;
    const bool well = std::all_of(all.begin(), all.end(), [](const auto& one) {
      return one.kind == outcome_kind::delivered;
    });
    if (well) ask();
    self_->send(options_.queue, report_atom::value, batch, std::move(result));
    ask();
  }

  worker_actor::pointer self_;
  worker_options options_;
  destination_actor destination_;  ///< Null while there is none.
  core::error not_running_{core::errc::unreachable, "it is not running"};  ///< why there is none
  std::vector<caf::actor_addr> abandoned_;                                 ///< and still running
  std::optional<work> in_hand_;
  bool asking_ = false;   ///< the queue has not answered yet
  bool resting_ = false;  ///< broken down, and no other instance has been tried to make
  std::uint32_t failed_starts_ = 0;
  std::mt19937_64 generator_{std::random_device{}()};  // jitter only
};

static_assert(!std::is_aggregate_v<worker_state>);

worker_actor::behavior_type run(worker_actor::stateful_pointer<worker_state> self,
                                worker_options options) {
  return self->state.make_behavior(std::move(options));
}

}  // namespace

milliseconds hang_limit(milliseconds timeout) noexcept {
  return timeout + std::max(timeout / 4, milliseconds{1'000});
}

worker_actor spawn_worker_actor(caf::actor_system& system, worker_options options) {
  return system.spawn(run, std::move(options));
}

}  // namespace nexus::actors
