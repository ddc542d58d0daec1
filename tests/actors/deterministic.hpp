// Actors without threads: messages and time move only when the test says so.
#pragma once

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <chrono>

namespace nexus::test {

class deterministic {
 public:
  /// Handles every message that is there; no timer fires.
  void settle() {
    while (scheduler().try_run_once()) {
    }
  }
  /// Handles one message, if there is one.
  void step() { scheduler().try_run_once(); }
  /// Messages that wait for their time.
  std::size_t timers() { return scheduler().clock().schedule().size(); }
  /// Lets time pass, then handles every message.
  void pass(std::chrono::milliseconds time) {
    scheduler().advance_time(time);
    settle();
  }

 private:
  static caf::actor_system_config& by_hand(caf::actor_system_config& config) {
    return config.set("scheduler.policy", caf::atom("testing"));
  }
  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  }

  caf::actor_system_config config_;

 public:
  caf::actor_system system{by_hand(config_)};
  caf::scoped_actor self{system, true};
};

}  // namespace nexus::test
