// What a pipeline shows of itself, gathered on demand.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "actors/board.hpp"
#include "actors/pipeline.hpp"
#include "core/metrics.hpp"

namespace nexus::actors {

/// Set up before the pipeline runs, then read by any thread, also after the pipeline has stopped.
class status_source {
 public:
  status_source(std::shared_ptr<wal::log> log, std::vector<std::shared_ptr<board>> boards)
      : log_(std::move(log)), boards_(std::move(boards)) {}

  pipeline_status read() const;

  /// The pipeline has been told to stop.
  void set_draining() noexcept { draining_ = true; }
  /// The actor in front of the log has ended.
  void set_log_unattended() noexcept { log_unattended_ = true; }

 private:
  std::shared_ptr<wal::log> log_;
  std::vector<std::shared_ptr<board>> boards_;
  std::atomic<bool> draining_ = false;
  std::atomic<bool> log_unattended_ = false;
};

/// Shows the status as metrics. `metrics` may outlive the source: from then on the last values
/// stay.
void publish(core::metrics& metrics, const std::shared_ptr<const status_source>& source);

/// Has the log observe its commits.
void observe_commits(core::metrics& metrics, wal::log& log);

/// Where the time from submitting an entry to its answer is observed.
core::histogram& append_seconds(core::metrics& metrics);

}  // namespace nexus::actors
