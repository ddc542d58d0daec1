// What a pipeline shows of itself, gathered on demand.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "actors/board.hpp"
#include "actors/pipeline.hpp"
#include "core/metrics.hpp"

namespace nexus::actors {

/// Any thread, also after the pipeline has stopped.
class status_source {
 public:
  explicit status_source(std::shared_ptr<wal::log> log) : log_(std::move(log)) {}

  /// From now on these are the destinations.
  void show(std::vector<std::shared_ptr<board>> boards) {
    std::lock_guard guard(mutex_);
    boards_ = std::move(boards);
  }

  pipeline_status read() const;

  /// The pipeline has been told to stop.
  void set_draining() noexcept { draining_ = true; }
  /// The actor in front of the log has ended.
  void set_log_unattended() noexcept { log_unattended_ = true; }

 private:
  std::shared_ptr<wal::log> log_;
  mutable std::mutex mutex_;
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
