// Group commit: callers that come while a sync is under way share the next one. The first of them
// becomes the leader, writes for all that wait, and answers them. No timer is needed: one caller
// waits for one sync, and with many callers the group grows by itself.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "wal/appender.hpp"
#include "wal/catalog.hpp"
#include "wal/log.hpp"

namespace nexus::wal {

/// Lines of one caller, on their way to the disk.
struct commit_request {
  /// An entry and where its line stands in `lines`.
  struct item {
    const core::entry* entry = nullptr;
    std::size_t offset = 0;
    std::size_t length = 0;     ///< without the newline
    std::uint32_t seconds = 0;  ///< the line's timestamp, Unix seconds
  };
  std::string lines;
  std::vector<item> items;  ///< empty: `lines` are marks
  std::uint64_t mark_lines = 0;
  std::deque<core::entry> respelled;  ///< what items point to, where the caller's is not UTF-8

  core::result<void> outcome;
  bool done = false;
  /// Told when it is done, or when it may lead: one wake-up for one caller, however many wait.
  std::condition_variable wake;
};

class group_commit {
 public:
  /// `known` is guarded by `guard`; all must outlive it.
  group_commit(const options& how, catalog& known, std::mutex& guard);

  /// Writes the request's lines; entries are synced and then known to the catalog as pending.
  /// Returns when `outcome` is set. Any thread, without the mutex.
  void commit(commit_request& request);

  /// Runs `work` while nobody else writes. Any thread, without the mutex.
  core::result<void> exclusively(const std::function<core::result<void>(appender&)>& work);

  /// Writes what is left and seals the active segment; every later commit fails with `closed`.
  core::result<void> close();

  /// Set before the first commit.
  void on_commit(std::function<void(const commit_info&)> observer) {
    observer_ = std::move(observer);
  }

  /// Why writing fails at the moment; empty while it succeeds. With the mutex.
  const std::string& trouble() const noexcept { return trouble_; }
  /// Entries made durable. With the mutex.
  std::uint64_t appended() const noexcept { return appended_; }
  std::uint64_t syncs() const noexcept { return syncs_; }
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }
  bool has_late_marks() const noexcept { return late_marks_; }

 private:
  std::vector<commit_request*> take_group();
  void lead(std::unique_lock<std::mutex>& lock);
  core::result<placement> write(std::span<commit_request* const> group);
  /// Makes durable entries known to the catalog. With the mutex.
  void publish(std::span<commit_request* const> group, placement written);
  /// Gives the writer token back, and wakes who may take it.
  void pass_on();
  /// Brings what others may read up to date.
  void note(const core::result<void>& outcome);

  appender appender_;  ///< used by the holder of the writer token only
  catalog& known_;
  std::mutex& guard_;
  core::logger_ptr log_;
  std::function<void(const commit_info&)> observer_;
  std::condition_variable idle_;  ///< told when nobody writes, for `exclusively`

  // Guarded by the mutex.
  bool writing_ = false;  ///< the writer token is taken
  bool closed_ = false;
  std::vector<commit_request*> waiting_;
  std::string trouble_;
  std::uint64_t appended_ = 0, syncs_ = 0, bytes_written_ = 0;
  bool late_marks_ = false;
};

}  // namespace nexus::wal
