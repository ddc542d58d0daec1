// The queues of a running pipeline, one for each destination: started, retired and ended.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/board.hpp"
#include "actors/pipeline.hpp"
#include "actors/protocol.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "destinations/registry.hpp"

namespace nexus::actors {

/// What queues are made with; all of it outlives them.
struct crew_options {
  const destinations::registry& types;
  core::logger_ptr log;
  core::metrics& metrics;
};

/// For one thread, that of the actor system. The handles in it must be gone before the system ends.
class crew {
 public:
  using clock = std::chrono::steady_clock;

  crew(caf::actor_system& system, wal_actor wal, crew_options with)
      : system_(system), wal_(std::move(wal)), with_(std::move(with)) {}

  /// Starts the queue of a destination that has none. One that was retired goes on counting where
  /// it was.
  queue_actor start(const destination_options& how);

  /// Ends queues while the log goes on. What is on its way to their destinations has until
  /// `deadline` to end, or until `is_urgent`; all else stays pending.
  void retire(const std::vector<std::string>& names, clock::time_point deadline,
              const std::function<bool()>& is_urgent);

  /// Delivers what can be by then, and ends all queues. The log must have been sealed.
  void end(clock::time_point deadline);

  /// What the queues of these destinations show, in this order.
  std::vector<std::shared_ptr<board>> boards(const std::vector<destination_options>& of) const;

 private:
  struct member {
    queue_actor queue;
    std::shared_ptr<board> shown;
  };

  std::shared_ptr<board> make_board(const destination_options& how) const;
  void drain(caf::scoped_actor& self, clock::time_point deadline);
  void wait_until_idle(caf::scoped_actor& self, const std::string& name, clock::time_point deadline,
                       const std::function<bool()>& is_urgent);

  caf::actor_system& system_;
  wal_actor wal_;
  crew_options with_;
  std::map<std::string, member> members_;
  std::map<std::string, destination_status> before_;  ///< of those that were retired
};

}  // namespace nexus::actors
