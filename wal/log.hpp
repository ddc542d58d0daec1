// The write-ahead log: a directory of segments. docs/wal-format.md describes the bytes.
//
// Contract
// - When `append` reports success the entry survives a crash of the process, of the system, and a
// power cut: its line
//   and everything needed to find it again have been synced. When it reports an error, the entry
//   was not accepted; after a crash it may still be there (delivered once more than promised, never
//   once less).
// - An entry stays pending until it is marked. A mark is written at once and synced with the next
// append or within a
//   second; a crash in between only means that the entry is handed on again.
// - After a failed write or sync the segment is never written again; the next append begins a new
// one.
//
// Threads: every function may be called from any thread at any time. Concurrent appends share one
// sync.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/log_line.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

using core::line_bytes_max;

/// Where an entry stands in the order of appends; grows within one opening of the log. Not stored.
using position = std::uint64_t;

/// An entry that waits for delivery.
struct pending_entry {
  position at = 0;
  core::entry_ptr entry;
};

/// Some pending entries, oldest first.
struct pending_batch {
  std::vector<pending_entry> entries;
  /// Where to go on: pass it to the next call.
  position next = 0;
  /// No pending entry of the destination stands at or after `next`.
  bool at_end = false;
};

/// An entry that will never be delivered, and why.
struct failure {
  std::string payload_id;
  std::string reason;
};

/// An entry that has failed for good.
struct dead_letter {
  core::entry entry;      ///< status PERMANENT_FAILURE
  std::string failed_at;  ///< RFC 3339; empty if it is not known (failed under v0.1.2)
  std::string reason;
};

/// See log::delivered_entries.
using delivered_visitor = std::function<core::result<void>(const core::entry&)>;

/// Which dead letters; every member that is not empty must fit.
struct dead_letter_filter {
  std::vector<std::string> payload_ids;
  std::string source;
  std::string destination;
  bool fits(const core::entry& value) const;
};

/// Numbers since the log was opened, but for `pending` and what opening found.
struct counters {
  std::uint64_t pending = 0;        ///< entries now waiting, each destination for itself
  std::uint64_t pending_bytes = 0;  ///< of their lines in the log
  std::uint64_t appended = 0;
  std::uint64_t delivered = 0;
  std::uint64_t permanent_failures = 0;
  std::uint64_t dead_letters = 0;        ///< permanent failures now kept, however old
  std::uint64_t crc_failures = 0;        ///< lines whose CRC does not fit
  std::uint64_t integrity_failures = 0;  ///< lines whose HMAC is wrong, or missing in strict mode
  std::uint64_t torn_lines = 0;          ///< pieces of lines: a write was cut off
  std::uint64_t malformed_lines = 0;     ///< intact lines that hold no entry
  std::uint64_t sentinel_failures = 0;   ///< lines of the newest reference without their end
  std::uint64_t undecodable_lines = 0;   ///< intact lines that don't decrypt or decompress
  std::uint64_t quarantined = 0;         ///< damaged lines copied to the quarantine
  std::uint64_t replayed = 0;            ///< entries found pending when the log was opened
  std::uint64_t syncs = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t segments = 0;
  double oldest_pending_seconds = 0;  ///< age of the oldest pending entry; 0 if there is none
};

/// How much waits for delivery.
struct pending_size {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  ///< of their lines
};

/// What waits for one destination.
struct destination_backlog {
  std::string destination;
  std::uint64_t entries = 0;
  double oldest_seconds = 0;  ///< age of the oldest of them
};

/// One commit: how many entries shared it and how long its write and sync took.
struct commit_info {
  std::size_t entries = 0;
  double seconds = 0;
};

class log {
 public:
  /// Opens or creates the directory, repairs a torn tail, and reads what is pending; memory grows
  /// with the number of pending entries, not with their size. Damaged lines are counted, copied to
  /// the quarantine and skipped, never an error. Errors: `locked` (another process has it),
  /// `bad_config` (a key is missing or is another one), `io_failed`, `wal_full`.
  static core::result<std::unique_ptr<log>> open(options how);

  /// Closes the log.
  ~log();
  log(const log&) = delete;
  log& operator=(const log&) = delete;

  /// Makes one entry durable. `version` becomes 2 and `status` PENDING, an empty `timestamp`
  /// becomes now. Errors: `invalid_argument` (payload is not JSON), `too_large` (the line would
  /// exceed line_bytes_max), `wal_full`, `io_failed`, `closed`.
  core::result<void> append(const core::entry& value);

  /// Makes many entries durable with one write and one sync. One result for each, in order; entries
  /// are refused one by one for what is wrong with themselves, and all together when the disk
  /// fails.
  std::vector<core::result<void>> append_batch(std::span<const core::entry_ptr> values);

  /// Reports entries as delivered to `destination`; an empty destination means all of them. Ids
  /// that are not pending are ignored. Cost grows with the number of ids, not with the size of the
  /// log. Error: the mark could not be written yet (it takes effect in memory, and is written with
  /// the next line that can be).
  core::result<void> mark_delivered_batch(std::span<const std::string> payload_ids,
                                          std::string_view destination = {});

  /// The same for one id. Error `not_found` if it is not pending.
  core::result<void> mark_delivered(std::string_view payload_id, std::string_view destination = {});

  /// Reports entries as never deliverable.
  core::result<void> mark_permanent_failure_batch(std::span<const failure> failures,
                                                  std::string_view destination = {});

  /// The same for one id. Error `not_found` if it is not pending.
  core::result<void> mark_permanent_failure(std::string_view payload_id,
                                            std::string_view reason = {},
                                            std::string_view destination = {});

  /// Makes all marks so far durable.
  core::result<void> sync();

  /// Hands each pending entry to `fn`, oldest first; entries that share source, destination and
  /// idempotency key count as one. `fn` may call the log. Stops with the first error.
  core::result<void> replay(const std::function<void(const core::entry&)>& fn);

  /// Pending entries of one destination from `from` on: at most `entries_max`, and at most
  /// `bytes_max` of lines, but at least one if there is one. Start with 0.
  core::result<pending_batch> read_pending(std::string_view destination, position from,
                                           std::size_t entries_max, std::size_t bytes_max);

  /// Where the next append will stand: a reader that has come this far has seen everything before
  /// it.
  position end() const;

  /// Every destination that has pending entries, and how many.
  std::vector<destination_backlog> backlogs() const;

  /// Hands each dead letter to `fn`, oldest first. `fn` must not call the log.
  core::result<void> dead_letters(const dead_letter_filter& which,
                                  const std::function<void(const dead_letter&)>& fn);

  /// Sends dead letters once more: each becomes a new pending entry with the same payload id, and
  /// is no dead letter any more; it has no idempotency key, so that it counts for itself, whatever
  /// else waits. Works below the watermark and on the reserve of a full disk.
  /// Returns how many; after an error some may have been sent.
  core::result<std::uint64_t> redrive(const dead_letter_filter& which);

  /// Gives dead letters up. What is in the dead-letter file is removed from it by the next
  /// settling; a line in a segment stays there until retention removes the segment. Returns how
  /// many.
  core::result<std::uint64_t> purge(const dead_letter_filter& which);

  /// Up to `count` delivered entries, each equally likely to be among them. Reads every segment.
  /// An entry that was sent once more (redeliver) and waits is none; afterwards its old line and
  /// its new one both count. Error `closed`: the log was closed meanwhile.
  core::result<std::vector<core::entry>> sample_delivered(std::size_t count);

  /// Hands each delivered entry that the log still has to `fn`, oldest first; stops with its first
  /// error. `fn` may call the log, and may take its time: nothing waits for it. What is delivered
  /// meanwhile may or may not be among them. Otherwise as sample_delivered.
  core::result<void> delivered_entries(const delivered_visitor& fn);

  /// Hands each entry that the log still has and whose timestamp (to the second) is not before
  /// `since` to `fn`, whatever has become of it: pending, delivered, failed, redriven or purged
  /// (the entry's `status` may be older than what is true). In the order of the log; dead letters
  /// whose segments are gone come first. Segments without such entries are not read. `fn` may call
  /// the log.
  core::result<void> recent_entries(core::time_point since,
                                    const std::function<void(const core::entry&)>& fn);

  /// Sends entries once more: each becomes a new pending entry with the same payload id, whatever
  /// has become of the one before, and without idempotency key. One that is pending already, by
  /// payload id and destination, is passed over. Returns how many were sent; after an error, those
  /// of `append`, some may have been.
  core::result<std::uint64_t> redeliver(std::span<const core::entry> entries);

  /// Whether an entry of this source and destination with this idempotency key is pending: another
  /// one would count as one with it (see replay). For each of the (not empty) keys, in order. Costs
  /// a look into a hash table for each.
  std::vector<bool> keys_wait(std::string_view source, std::string_view destination,
                              std::span<const std::string> idempotency_keys) const;

  /// This and the next take no lock: they cost nothing.
  std::uint64_t pending_count() const;
  pending_size how_much_is_pending() const;
  std::uint64_t crc_failures() const;
  std::uint64_t integrity_failures() const;
  counters stats() const;
  /// Why appends fail at the moment; empty while they succeed.
  std::string trouble() const;

  /// File name of the segment that is written to.
  std::string current_segment() const;

  /// Called after every commit that held entries, on the thread that did it, while nobody else can
  /// write: it must not append or mark. Set it before the first append.
  void on_commit(std::function<void(const commit_info&)> observer);

  /// Rewrites every segment that has changes its own lines don't show yet, so that each line has
  /// its true status, and every segment that is not stored as it would be now: plain, or encrypted
  /// with the current key.
  core::result<void> settle();

  /// What the background thread does: settles sealed segments without pending entries (if much was
  /// appended since the last call, only as options::unsettled_bytes_max says), removes those whose
  /// retention is over, syncs marks, keeps the reserve.
  core::result<void> maintain();

  /// Writes and syncs what is left, settles, releases the lock. Calling it again does nothing.
  core::result<void> close();

 private:
  class impl;
  explicit log(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::wal
