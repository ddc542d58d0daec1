// The pipeline behind the door: log, queues, workers and destinations, started, supervised and
// stopped in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"
#include "destinations/retry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// One destination and how entries travel to it.
struct destination_options {
  destinations::settings settings;
  std::size_t workers = 1;
  std::size_t batch_entries_max = 256;
  std::size_t batch_bytes_max = 4 * 1024 * 1024;
  std::size_t window_entries_max = 10'000;  ///< entries held in memory, waiting or on their way
  std::size_t window_bytes_max = 64 * 1024 * 1024;
  destinations::retry_policy retry;
  std::chrono::milliseconds config_fault_delay{
      30'000};  ///< how long to wait before a paused destination is tried again
};

struct pipeline_options {
  wal::options wal;
  std::vector<destination_options> destinations;
  std::uint64_t pending_entries_max = 10'000'000;  ///< above it `append` answers `overloaded`
  std::size_t in_flight_bytes_max =
      256 * 1024 * 1024;  ///< payload bytes on their way to the disk; above it likewise
  /// Called by start() for every entry that is pending, oldest first and before any is delivered:
  /// for what must be rebuilt from them.
  std::function<void(const core::entry&)> on_pending;
};

/// How one destination is doing.
struct destination_status {
  enum class phase { running, waiting, paused };
  std::string name;
  std::string type;
  phase state =
      phase::running;  ///< waiting: unreachable, tried again; paused: its configuration is wrong
  std::string last_error;  ///< empty: none since the last delivery
  std::uint64_t queued = 0;
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;
};

struct pipeline_status {
  wal::counters wal;
  std::string current_segment;
  std::string wal_trouble;  ///< why appends fail at the moment; empty while they succeed
  bool draining = false;
  std::vector<destination_status> destinations;
};

/// Runs from start() to stop(). Every function may be called from any thread.
class pipeline {
 public:
  /// Opens the log (which blocks until everything pending is indexed), then starts destinations and
  /// queues. `types` must outlive the pipeline. Errors: those of wal::log::open; `bad_config` for a
  /// destination whose type is unknown or whose factory refuses.
  static core::result<std::unique_ptr<pipeline>> start(pipeline_options how,
                                                       const destinations::registry& types,
                                                       core::logger_ptr log,
                                                       core::metrics& metrics);
  virtual ~pipeline() = default;

  /// Makes an entry durable, then calls `done` on the log's thread; `done` must not block. It is
  /// called exactly once, also when the pipeline stops. Errors: `invalid_argument`, `too_large`,
  /// `wal_full`, `overloaded`, `io_failed`, `closed`.
  virtual void append(core::entry_ptr value,
                      std::function<void(const core::result<void>&)> done) = 0;

  /// Hands each dead letter that fits to `fn`, oldest first; `fn` must not call the pipeline. Like
  /// the two below it reads and writes the log: it blocks for as long as that takes.
  virtual core::result<void> dead_letters(
      const wal::dead_letter_filter& which,
      const std::function<void(const wal::dead_letter&)>& fn) = 0;

  /// Delivers dead letters once more. Appends go on meanwhile. Returns how many; after an error
  /// some may be on their way.
  virtual core::result<std::uint64_t> redrive(const wal::dead_letter_filter& which) = 0;

  /// Gives dead letters up for good. Returns how many.
  virtual core::result<std::uint64_t> purge(const wal::dead_letter_filter& which) = 0;

  /// A snapshot, at most about a second old.
  virtual pipeline_status status() const = 0;

  /// Takes no more appends, delivers what it can within `budget`, then closes the log. What is left
  /// stays pending and is delivered after the next start. Returns the number of entries left
  /// pending. Call it once.
  virtual std::uint64_t stop(std::chrono::milliseconds budget) = 0;
};

}  // namespace nexus::actors
