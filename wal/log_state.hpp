// What is behind wal::log: the catalog of what is known, the group commit that writes, and the
// mutex between them. Operations are in log_state.cpp, settling and the other background work in
// log_upkeep.cpp.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/group_commit.hpp"
#include "wal/log.hpp"

namespace nexus::wal {

class log::impl {
 public:
  explicit impl(options how)
      : how_(std::move(how)),
        format_(how_.integrity, how_.mac_key, how_.accept_unsigned),
        known_(how_.directory, *how_.files, format_),
        commits_(how_, known_, mutex_) {}

  core::result<void> open();
  std::vector<core::result<void>> append_batch(std::span<const core::entry_ptr> values);
  core::result<std::uint64_t> mark(status_change change);
  core::result<pending_batch> read_pending(std::optional<std::string_view> destination,
                                           position from, std::size_t entries_max,
                                           std::size_t bytes_max);
  core::result<std::vector<core::entry>> sample_delivered(std::size_t count);
  core::result<void> settle();
  core::result<void> maintain();
  core::result<void> sync() {
    return commits_.exclusively([](appender& end) { return end.sync(); });
  }
  std::uint64_t pending_count() const {
    std::lock_guard lock(mutex_);
    return known_.index().size();
  }
  core::result<void> close();
  counters stats() const;
  std::string current_segment() const;
  std::string trouble() const {
    std::lock_guard lock(mutex_);
    return commits_.trouble();
  }
  position end() const {
    std::lock_guard lock(mutex_);
    return known_.index().end();
  }
  std::vector<std::string> pending_destinations() const {
    std::lock_guard lock(mutex_);
    return known_.index().destinations();
  }
  void on_commit(std::function<void(const commit_info&)> observer) {
    commits_.on_commit(std::move(observer));
  }

 private:
  core::result<void> remove_leftovers();
  core::result<void> add_line(commit_request& request, const core::entry& given);
  void add_status_lines(commit_request& request, status_change change) const;
  core::result<void> settle_all(const std::function<bool(const segment&)>& wanted);
  /// An error once the log is closed.
  core::result<void> check_open() const;
  void run_maintenance();

  const options how_;
  line_format format_;
  mutable std::mutex mutex_;  ///< guards known_, the counters and closed_
  catalog known_;
  group_commit commits_;
  /// One settling at a time, and none while a sample is read. Taken before mutex_.
  std::mutex settling_;
  std::unique_ptr<core::file_lock> lock_;
  line_counts found_;
  std::uint64_t replayed_ = 0, delivered_ = 0, failed_ = 0, unreadable_ = 0;
  bool closed_ = false;
  std::thread maintenance_;
  std::condition_variable stop_maintenance_;
};

}  // namespace nexus::wal
