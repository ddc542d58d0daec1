// The interaction log: what was asked of this program, by whom, and what was decided, in files that
// show whether they were damaged or changed. docs/audit.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "audit/record.hpp"
#include "core/file.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::audit {

struct options {
  std::string file;        ///< absolute
  bool dual_write = true;  ///< a second file beside it, from which damaged lines are read
  std::uint64_t file_bytes_max = 100 * 1024 * 1024;  ///< beyond it, a new file is begun
  std::string mac_key;                               ///< empty: integrity crc32
  std::string key;                                   ///< 32 bytes, or empty
  bool encrypts = false;
  std::size_t waiting_max = 100'000;  ///< records in memory that are not written yet
  core::wall_clock clock = core::now;
};

/// Takes records from any thread and never lets them wait: a thread of its own writes and syncs
/// them in batches, a few times a second at most. So the record of a request comes after its
/// answer: a crash can cost those of the last fraction of a second, an orderly stop none. What the
/// disk cannot keep up with, or does not take, is counted, and the file says how many are missing.
class interaction_log {
 public:
  /// Error `locked`: another process has it. Error `io_failed`, or another of the file system's: it
  /// cannot be written to. `files` and `metrics` must outlive it.
  static core::result<std::unique_ptr<interaction_log>> open(options how, core::file_system& files,
                                                             core::logger_ptr log,
                                                             core::metrics& metrics);
  ~interaction_log();
  interaction_log(const interaction_log&) = delete;
  interaction_log& operator=(const interaction_log&) = delete;

  /// Fills in the record's id. Any thread.
  void record(audit::record one);

  /// Records from `offset` on, newest first, with all that were handed in before the call. Reads
  /// every file: not for a thread that must not block. Error `closed`: it is stopping.
  core::result<page> find(const filter& which, std::uint64_t offset, std::size_t limit);
  /// The same of what they come to.
  core::result<statistics> count(const filter& which);

  /// Writes what waits. Records that come later are dropped. Call it from one thread.
  void stop();

 private:
  struct impl;
  explicit interaction_log(std::unique_ptr<impl> made);
  std::unique_ptr<impl> impl_;
};

}  // namespace nexus::audit
