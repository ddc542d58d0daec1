// Load for the log, and the bare disk beside it.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "wal/log.hpp"

namespace nexus::bench {

using steady = std::chrono::steady_clock;

/// How long each measurement of a round takes: short, so that a round sees one state of the disk.
inline constexpr auto round_time = std::chrono::milliseconds(250);

double seconds_since(steady::time_point start);

/// A directory below the current one, so that the disk is the user's choice; gone at the end.
class scratch {
 public:
  scratch();
  ~scratch();
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  /// A path in it that has not been used.
  std::string fresh() { return path_ + "/" + std::to_string(++count_); }
  /// Frees what is below a path; nothing if nothing is there.
  void remove(const std::string& path) const;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  int count_ = 0;
};

core::entry make_entry(std::size_t payload_bytes);

/// Entries that differ in their id only.
class entry_source {
 public:
  explicit entry_source(std::size_t payload_bytes);
  /// The next one; valid until the next call.
  const core::entry& next();
  core::entry_ptr next_shared() { return std::make_shared<const core::entry>(next()); }

 private:
  core::entry value_;
  std::string prefix_;
  std::uint64_t count_ = 0;
};

/// How long the line of such an entry is, its newline included.
std::size_t line_bytes(std::size_t payload_bytes);

std::unique_ptr<wal::log> open_log(const std::string& directory, std::int64_t segment_mb = 50,
                                   bool background = true);

struct timing {
  double entries_per_second = 0;
  std::vector<double> latencies;  ///< seconds
};

/// pwrite + fdatasync of `batch` lines of `bytes` at a time.
timing raw_loop(const std::string& path, std::size_t bytes, std::size_t batch, bool preallocated);

/// `callers` threads, each with one append at a time.
timing append_loop(wal::log& log, std::size_t payload_bytes, std::size_t callers);

/// One thread that hands over batches.
timing batch_loop(wal::log& log, std::size_t payload_bytes, std::size_t batch);

/// `callers` threads that are woken together and wait again, in turns, and do nothing else: what
/// the operating system takes for a blocking call of so many threads, without a log and a disk.
timing wake_loop(std::size_t callers);

/// Fills a log with `megabytes` of entries and returns their ids.
std::vector<std::string> fill(wal::log& log, std::size_t megabytes);

}  // namespace nexus::bench
