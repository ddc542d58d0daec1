#include "actors/worker_actor.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "actors/guard.hpp"

namespace nexus::actors {
namespace {

using destinations::outcome_kind;

class worker_state {
 public:
  static inline const char* name = "worker";

  explicit worker_state(worker_actor::pointer self) : self_(self) {}

  worker_actor::behavior_type make_behavior(worker_options options) {
    options_ = std::move(options);
    guard(self_, "worker of destination " + options_.destination, options_.log);
    self_->set_down_handler([this](caf::down_msg& message) { destination_died(message); });
    self_->set_exit_handler([this](caf::exit_msg& message) {
      if (destination_) self_->send_exit(destination_, caf::exit_reason::user_shutdown);
      self_->quit(std::move(message.reason));
    });
    start_destination();
    return {[this](restart_atom) { start_destination(); }};
  }

 private:
  void start_destination() {
    auto spawned = options_.spawn_destination(self_->system());
    if (!spawned.ok()) return restart_later(spawned.reason().text);
    destination_ = *std::move(spawned);
    self_->monitor(destination_);
    if (!asking_) ask();
  }

  void destination_died(const caf::down_msg& message) {
    if (!destination_ || message.source != destination_.address()) return;
    destination_ = nullptr;
    const auto why = "it ended: " + self_->system().render(message.reason);
    restart_later(why);
    if (in_hand_) lost(why);  // an actor that ends with a promise in its hands answers nobody
  }

  void restart_later(const std::string& why) {
    const auto delay = destinations::next_delay(options_.restart, ++failed_starts_, 1.0);
    options_.log->warn(fmt::format("destination {}: actor not running, started again in {} ms: {}",
                                   options_.destination, delay.count(), why));
    self_->delayed_send(self_, delay, restart_atom::value);
  }

  void ask() {
    asking_ = true;
    self_->request(options_.queue, caf::infinite, next_atom::value)
        .then([this](const work& next) { deliver(next); },
              [this](const caf::error& reason) {
                self_->quit(reason);
              });  // the queue is gone: so is our purpose
  }

  void deliver(const work& next) {
    in_hand_ = next;
    if (!destination_) return lost("its actor is not running");
    self_->request(destination_, caf::infinite, deliver_atom::value, next.what)
        .then(
            [this, batch = next.batch](outcome_list& outcomes) {
              if (holds(batch)) finish(std::move(outcomes));
            },
            [this, batch = next.batch](const caf::error& reason) {
              if (holds(batch)) lost(from_caf(self_->system(), reason).text);
            });
  }

  /// False for an answer that comes after its batch was given up.
  bool holds(std::uint64_t batch) const { return in_hand_ && in_hand_->batch == batch; }

  /// Nobody could be asked.
  void lost(const std::string& why) {
    report(outcome_list(in_hand_->what.entries.size(), {outcome_kind::unreachable, why, {}}));
  }

  void finish(outcome_list outcomes) {
    const auto& entries = in_hand_->what.entries;
    if (outcomes.size() != entries.size()) {
      const auto reason = fmt::format("the destination gave {} outcomes for {} entries",
                                      outcomes.size(), entries.size());
      outcomes.assign(entries.size(), {outcome_kind::transient, reason, {}});
    }
    failed_starts_ = 0;
    std::vector<std::string> delivered;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (outcomes[i].kind == outcome_kind::delivered) delivered.push_back(entries[i]->payload_id);
    }
    // Before the report: who hears from the queue that all is done may rely on the marks being in
    // the log's mailbox.
    if (!delivered.empty()) {
      self_->send(options_.wal, delivered_atom::value, options_.destination, std::move(delivered));
    }
    report(std::move(outcomes));
  }

  void report(outcome_list outcomes) {
    self_->send(options_.queue, report_atom::value, in_hand_->batch, std::move(outcomes));
    in_hand_.reset();
    asking_ = false;
    if (destination_) ask();
  }

  worker_actor::pointer self_;
  worker_options options_;
  destination_actor destination_;  ///< Null while it is dead.
  std::optional<work> in_hand_;
  bool asking_ = false;  ///< Between asking for a batch and reporting it.
  std::uint32_t failed_starts_ = 0;
};

static_assert(!std::is_aggregate_v<worker_state>);

worker_actor::behavior_type run(worker_actor::stateful_pointer<worker_state> self,
                                worker_options options) {
  return self->state.make_behavior(std::move(options));
}

}  // namespace

worker_actor spawn_worker_actor(caf::actor_system& system, worker_options options) {
  return system.spawn(run, std::move(options));
}

}  // namespace nexus::actors
