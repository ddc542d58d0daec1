// The consistency check of a running server: now and then by itself, and when it is asked for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "cli/consistency.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "ingest/ports.hpp"

namespace nexus::cli {

/// Metrics: gauges bubblefish_consistency_score (-1 until computed) and
/// nexus_consistency_score{destination}.
class consistency_checker {
 public:
  /// `metrics` must outlive this object.
  consistency_checker(consistency_source from, core::logger_ptr log, core::metrics& metrics);
  ~consistency_checker();
  consistency_checker(const consistency_checker&) = delete;
  consistency_checker& operator=(const consistency_checker&) = delete;

  /// Checks a sample in every interval, on a thread of its own, the first time after one interval.
  /// Call it once.
  void run_every(std::chrono::milliseconds interval, std::size_t sample);

  /// From the next check on these are the destinations, in the order of the configuration. Any
  /// thread.
  void replace(std::vector<std::string> destinations);

  /// One check now; blocks, also for the one that runs. Any thread. Errors as of check_consistency.
  core::result<ingest::consistency_report> check(const ingest::consistency_choice& what);

  /// The score of the last check of all destinations; -1: there was none. Any thread.
  double score() const { return score_; }

  /// Has the checks end, without waiting: they notice when what they wait for has answered.
  void request_stop();
  /// Waits for the thread.
  void stop();

 private:
  void run(std::chrono::milliseconds interval, std::size_t sample);
  void publish(const ingest::consistency_report& report);

  consistency_source source() const;

  mutable std::mutex source_mutex_;
  consistency_source from_;
  const core::logger_ptr log_;
  core::metrics& metrics_;
  core::gauge& shown_;
  std::atomic<double> score_ = -1;
  std::stop_source stopping_;
  std::mutex one_at_a_time_;
  std::thread thread_;
};

}  // namespace nexus::cli
