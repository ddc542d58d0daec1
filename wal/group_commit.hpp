// Group commit: callers that come while a sync is under way share the next one. The first of them
// becomes the leader, writes for all that wait, and answers them. One caller waits for one sync and
// nothing else. With many callers half of them would gather while the group of the other half is
// written: a leader waits a little for those who have just been answered, so that all share a sync.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/entry.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "wal/appender.hpp"
#include "wal/catalog.hpp"
#include "wal/log.hpp"
#include "wal/pending_index.hpp"

namespace nexus::wal {

/// Lines of one caller, on their way to the disk.
struct commit_request {
  /// An entry and where its line stands in `lines`.
  struct item {
    const core::entry* entry = nullptr;
    std::size_t offset = 0;
    std::size_t length = 0;     ///< without the newline
    std::uint32_t seconds = 0;  ///< the line's timestamp, Unix seconds
    pending_index::name_hashes hashes;
  };
  std::string lines;          ///< plain
  std::string macs;           ///< in mode mac: of each entry, 32 raw bytes
  std::vector<item> items;    ///< empty: `lines` are marks
  bool from_reserve = false;  ///< goes on below the watermark, and may take the reserve's space
  std::uint64_t mark_lines = 0;
  std::deque<core::entry> respelled;  ///< what items point to, where the caller's is not UTF-8

  std::string encrypted;  ///< `lines` as they are stored, where that is not how they are
  core::result<void> outcome;
};

class group_commit {
 public:
  /// `known` is guarded by `guard`; all must outlive it.
  group_commit(const options& how, const line_format& format, catalog& known, std::mutex& guard);

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
  bool lacks_reserve() const noexcept { return lacks_reserve_; }

 private:
  /// Who uses the appender together: callers that share a commit, or one who wants it to himself.
  struct group {
    std::vector<commit_request*> members;  ///< guarded by queue_ while `open`
    std::size_t bytes = 0;
    bool open = false;          ///< takes more members; with queue_
    std::size_t appenders = 0;  ///< members that bring entries; with queue_
    std::size_t expected = 0;   ///< the leader waits for so many of them; 0: not now; with queue_
    core::event complete;       ///< as many have come as were expected, or nobody can join any more
    core::event turn;           ///< the leader may use the appender
    core::event done;           ///< `outcome` stands
    core::result<void> outcome;
  };
  using group_ptr = std::shared_ptr<group>;

  /// Puts a group at the end of the queue. With queue_.
  group_ptr enqueue(bool open);
  void lead(group& mine);
  /// Waits for the others who are about to come, a small part of what a commit takes at most; then
  /// takes no more. False if the log is closed.
  bool gather(group& mine);
  /// Writes what the members bring. Those that the full disk has no room for get their outcome
  /// here, the others have that of the group.
  core::result<void> write(group& mine);
  core::result<void> write_entries(std::span<commit_request* const> members);
  void encrypt(commit_request& request);
  /// Makes durable entries known to the catalog. With the mutex.
  void publish(std::span<commit_request* const> members, placement written);
  /// The turn of the group at the front of the queue is over.
  void pass_on();
  /// Brings what others may read up to date.
  void note(const core::result<void>& outcome);

  const line_format& format_;
  appender appender_;  ///< used by the leader of the group at the front only
  catalog& known_;
  std::mutex& guard_;
  core::logger_ptr log_;
  std::function<void(const commit_info&)> observer_;

  /// Apart from `guard_`, so that who joins a group does not wait for who searches the catalog.
  /// Neither is taken while the other is held.
  std::mutex queue_;
  std::deque<group_ptr> groups_;  ///< first come, first served; the front one has its turn
  bool closed_ = false;
  /// Callers with entries who had part in the last such commit, or waited for it; with queue_.
  std::size_t expected_ = 0;

  /// What the write and the sync of the last commit with entries took; used by the leader of the
  /// group at the front only.
  std::chrono::nanoseconds last_commit_{0};

  // Guarded by the mutex.
  std::string trouble_;
  std::uint64_t appended_ = 0, syncs_ = 0, bytes_written_ = 0;
  bool late_marks_ = false;
  bool lacks_reserve_ = false;
};

}  // namespace nexus::wal
