// Small workloads of a log on a disk that notes every change.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/proof/states/promises.hpp"
#include "tests/proof/states/recording_files.hpp"
#include "wal/log.hpp"

namespace nexus::test {

enum class operation_of_log {
  append,        ///< one entry
  append_three,  ///< with one write; one of them is larger than two sectors
  append_large,  ///< more than a segment takes: rotates; once in a workload, for it takes long
  deliver,       ///< the oldest pending entry
  deliver_all,
  fail,  ///< the oldest pending entry, for good
  sync,
  settle,    ///< rotates
  maintain,  ///< retention of 0 hours: removes what is delivered, keeps dead letters
  redrive,   ///< all dead letters
  purge,     ///< all dead letters
  reopen,    ///< close and open
};
inline constexpr std::array all_operations = {
    operation_of_log::append,  operation_of_log::append_three, operation_of_log::append_large,
    operation_of_log::deliver, operation_of_log::deliver_all,  operation_of_log::fail,
    operation_of_log::sync,    operation_of_log::settle,       operation_of_log::maintain,
    operation_of_log::redrive, operation_of_log::purge,        operation_of_log::reopen,
};
using operations = std::vector<operation_of_log>;

std::string to_string(operation_of_log which);
std::string to_string(const operations& all);

/// How lines are stored, and how space is taken.
struct log_kind {
  std::string name;
  bool signs = false;
  bool encrypts = false;
  bool preallocates = false;  ///< segments; and there is a reserve
};
extern const std::vector<log_kind> log_kinds;

/// When a workload begins; states are opened an hour later. Time does not move by itself, so that
/// equal steps leave equal bytes.
inline constexpr core::time_point start_time{std::chrono::seconds(1'775'000'000)};

/// A disk for such a log, with room for preallocation or without.
std::unique_ptr<recording_files> disk_for(const log_kind& kind, const disk_image& start = {});
/// Its options on such a disk.
wal::options options_of(const log_kind& kind, core::file_system& files);
/// What was appended under that payload id.
core::entry entry_of(const std::string& id);
inline constexpr const char* failure_reason = "no such table";

class workload {
 public:
  /// Begins with an empty disk; opens the log with the first step.
  explicit workload(const log_kind& kind);
  workload(const workload&) = delete;
  workload& operator=(const workload&) = delete;

  /// Whether the operation would do anything now that it does not always do.
  bool makes_sense(operation_of_log next) const;
  /// Aborts the test where the log refuses anything.
  void open();
  void run(operation_of_log next);

  const recording_files& disk() const { return *files_; }
  /// Of the last step: how many changes there were before it, and what was promised while it was
  /// under way; after it `promised` holds.
  std::size_t begin() const { return begin_; }
  const promises& promised_meanwhile() const { return meanwhile_; }
  const promises& promised() const { return promised_; }

 private:
  void append(std::size_t count, const std::string& prefix);
  void mark(const std::vector<std::string>& ids, fate as);
  void redrive();
  void purge();
  void done(const core::result<void>& outcome);

  std::unique_ptr<recording_files> files_;
  core::time_point now_ = start_time;  ///< a second later with each step
  wal::options how_;
  std::unique_ptr<wal::log> log_;
  std::size_t begin_ = 0, appended_ = 0;
  promises promised_, meanwhile_;
  bool has_unsynced_marks_ = false, has_large_ = false;
};

/// The operations that make sense next.
operations sensible(const workload& so_far);

}  // namespace nexus::test
