// The pipeline behind the door: log, queues, workers and destinations, started, supervised and
// stopped in order.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/confirmation.hpp"
#include "core/entry.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "destinations/registry.hpp"
#include "destinations/retry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// Which entries of a destination keep their order: those of one source, or of one subject.
enum class ordering { none, source, subject };

/// When a destination that cannot be used is asked again.
struct breaker_options {
  std::uint32_t failure_threshold = 1;             ///< unreachable so often in a row: open
  std::chrono::milliseconds open{1'000};           ///< first wait; doubles with each failed probe
  std::chrono::milliseconds open_max{10'000};      ///< longest wait
  std::chrono::milliseconds config_fault{30'000};  ///< wait after a config fault

  bool operator==(const breaker_options&) const = default;
};

/// One destination and how entries travel to it.
struct destination_options {
  destinations::settings settings;
  std::size_t workers = 1;
  std::size_t batch_entries_max = 256;
  std::size_t batch_bytes_max = 4 * 1024 * 1024;
  /// How long a batch that is not full waits for more.
  std::chrono::milliseconds linger{0};
  std::size_t window_entries_max = 10'000;  ///< entries held in memory, waiting or on their way
  std::size_t window_bytes_max = 64 * 1024 * 1024;
  ordering keep = ordering::none;
  destinations::retry_policy retry;
  breaker_options breaker;
  bool paused = false;    ///< by the operator, from the start
  bool required = false;  ///< the pipeline does not start without it
  /// Why it cannot even be made: its table is wrong. Its entries wait. Empty: it can be.
  std::string fault;

  bool operator==(const destination_options&) const = default;
};

struct pipeline_options {
  wal::options wal;
  std::vector<destination_options> destinations;
  std::uint64_t pending_entries_max = 10'000'000;  ///< above it `append` answers `overloaded`
  /// Likewise: bytes of the lines that wait in the log.
  std::uint64_t pending_bytes_max = std::uint64_t{16} << 30;
  std::size_t in_flight_bytes_max =
      256 * 1024 * 1024;  ///< payload bytes on their way to the disk; above it likewise
  /// Called by start() for every entry that the log still has and that is not older than
  /// `recent_since`, whatever has become of it (see wal::log::recent_entries), in the order of the
  /// log and before any is delivered: for what must be rebuilt from them.
  std::function<void(const core::entry&)> on_recent;
  core::time_point recent_since = core::time_point::min();
};

/// How one destination is doing.
struct destination_status {
  enum class phase {
    running,
    waiting,        ///< unreachable, tried again
    misconfigured,  ///< a person must mend it or its configuration; tried again, slowly
    paused,         ///< by the operator
  };
  enum class circuit { closed, open, half_open };
  std::string name;
  std::string type;
  phase state = phase::running;
  circuit breaker = circuit::closed;
  std::string last_error;     ///< empty: none since the last delivery
  std::uint64_t queued = 0;   ///< entries held in memory
  std::uint64_t pending = 0;  ///< entries in the log that wait for it, those in memory included
  double oldest_pending_seconds = 0;  ///< age of the oldest of them; 0: there is none
  std::uint64_t attempts = 0;         ///< entries handed to it, each time counted
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;    ///< for good
  std::uint64_t restarts = 0;  ///< instances given up: they hung, threw or ended
};

struct pipeline_status {
  wal::counters wal;
  std::string current_segment;
  std::string wal_trouble;  ///< why appends fail at the moment; empty while they succeed
  bool draining = false;
  std::vector<destination_status> destinations;
  /// What waits for destinations that there are not (any more).
  std::vector<wal::destination_backlog> unclaimed;
};

/// Runs from start() to stop(). Every function may be called from any thread.
class pipeline {
 public:
  /// Opens the log (which blocks until everything pending is indexed), then starts destinations and
  /// queues. A destination that cannot be used holds up nobody: its entries wait. `types` must
  /// outlive the pipeline. Errors: those of wal::log::open; `bad_config` for limits of 0, two
  /// destinations of one name, and a required one that would not take entries now.
  static core::result<std::unique_ptr<pipeline>> start(pipeline_options how,
                                                       const destinations::registry& types,
                                                       core::logger_ptr log,
                                                       core::metrics& metrics);
  virtual ~pipeline() = default;

  /// Makes entries durable, all with one sync, then calls `done` on the log's thread; `done` must
  /// not block. It is called exactly once, also when the pipeline stops, with the first error of
  /// any of them. Then, if that was a success and a confirmation is wanted, its `done` is. Errors:
  /// `invalid_argument`, `too_large`, `wal_full`, `overloaded`, `io_failed`, `closed`.
  virtual void append(std::vector<core::entry_ptr> values,
                      std::function<void(const core::result<void>&)> done,
                      std::optional<core::confirmation> wanted = {}) = 0;

  /// The same for several writes, each an entry for each destination of one payload: one sync for
  /// all of them, and an answer for each, in order. There is room for all or for none: `overloaded`
  /// is everybody's answer, before anything is written. `wanted`: empty, or a confirmation for each
  /// write.
  virtual void append_batch(std::vector<std::vector<core::entry_ptr>> writes,
                            std::function<void(std::vector<core::result<void>>)> done,
                            std::vector<core::confirmation> wanted = {}) = 0;

  /// Whether an entry of the source with this idempotency key is pending for one of these
  /// destinations: for each of the (not empty) keys, in order. Does not block.
  virtual std::vector<bool> keys_wait(const std::string& source,
                                      const std::vector<std::string>& destinations,
                                      std::span<const std::string> keys) const = 0;

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

  /// Takes over another list of destinations while entries go on being appended: new ones are
  /// started, those that are not in it are stopped and their entries stay pending, those that have
  /// changed are stopped and started again; the others are not touched. `paused` counts for new
  /// ones only; `required` is asked of new and changed ones. A stopped one gets up to `budget` to
  /// end what is on its way to it; what is left then may be delivered twice, as after a crash.
  /// Nothing changes after an error: `bad_config` as for start(), `closed`. Blocks; not at the same
  /// time as another call of it.
  virtual core::result<void> reconfigure(std::vector<destination_options> destinations,
                                         std::chrono::milliseconds budget) = 0;

  /// From now on these limits hold instead of those of the options.
  virtual void set_pending_limits(std::uint64_t entries_max, std::uint64_t bytes_max) = 0;

  /// Stops deliveries to a destination until it is resumed; batches on their way end as they do.
  /// Resuming also has it tried at once where it is waiting or misconfigured. Error `not_found`.
  virtual core::result<void> pause(const std::string& destination) = 0;
  virtual core::result<void> resume(const std::string& destination) = 0;

  /// For each payload id whether a destination has it. Blocks, up to the destination's timeout.
  /// Errors: `not_found` (no such destination), `unsupported` (it cannot say), `unreachable`,
  /// `bad_config`.
  virtual core::result<std::vector<bool>> exists(const std::string& destination,
                                                 std::vector<std::string> payload_ids) = 0;

  /// Up to `count` delivered entries, each equally likely to be among them. Reads every segment.
  virtual core::result<std::vector<core::entry>> sample_delivered(std::size_t count) = 0;

  /// Hands each delivered entry that the log still has to `fn`, oldest first; stops with its first
  /// error. `fn` may call the pipeline. Error `closed` once the pipeline has stopped.
  virtual core::result<void> delivered_entries(const wal::delivered_visitor& fn) = 0;

  /// Delivers entries once more, under their payload ids; those that are pending are passed over.
  /// Returns how many; after an error some may be on their way.
  virtual core::result<std::uint64_t> redeliver(std::span<const core::entry> entries) = 0;

  /// A snapshot, at most about a second old.
  virtual pipeline_status status() const = 0;

  /// Answers everybody who waits for a delivery or in `exists`, and from now on everybody at once;
  /// reconfigure() waits for no destination any more: for a stop that waits for them.
  virtual void release_waiting() = 0;

  /// Takes no more appends, delivers what it can within `budget`, then closes the log. What is left
  /// stays pending and is delivered after the next start. Returns the number of entries left
  /// pending. Call it once.
  virtual std::uint64_t stop(std::chrono::milliseconds budget) = 0;
};

/// Whether a destination would take an entry now (destination::ping), asked through an instance of
/// its own, with no pipeline around it; writes nothing. Blocks, up to its timeout. Errors:
/// `unreachable`, `bad_config`, `unsupported`.
core::result<void> test_destination(const destinations::settings& settings,
                                    const destinations::registry& types, core::logger_ptr log);

}  // namespace nexus::actors
