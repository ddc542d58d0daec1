// What is behind wal::log: the catalog of what is known, the group commit that writes, and the
// mutex between them. Operations are in log_state.cpp, settling and the other background work in
// log_upkeep.cpp, dead letters and delivered entries in files of their own.
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
#include "wal/dead_letters.hpp"
#include "wal/format.hpp"
#include "wal/group_commit.hpp"
#include "wal/log.hpp"
#include "wal/pending_lines.hpp"
#include "wal/retention.hpp"

namespace nexus::wal {

/// An entry that is sent once more: without its idempotency key, for it would be lost to another
/// one with that key which waits (see log::replay).
core::entry_ptr without_key(core::entry value);

/// The timestamp of a line. Entries that come together mostly have the same one.
struct line_time {
  std::optional<std::string> given;  ///< as the last entry had it
  std::string spelled;               ///< as it is written
  std::uint32_t seconds = 0;         ///< see unix_seconds
};

class log::impl {
 public:
  impl(options how, std::unique_ptr<line_format> format)
      : how_(std::move(how)),
        format_owner_(std::move(format)),
        known_(how_.directory, *how_.files, format_),
        commits_(how_, format_, known_, mutex_),
        retention_(how_, format_, known_, mutex_,
                   [this](const std::string& segment) { return before_removal(segment); }) {}

  core::result<void> open();
  /// `from_reserve`: below the watermark as well.
  std::vector<core::result<void>> append_batch(std::span<const core::entry_ptr> values,
                                               bool from_reserve = false);
  core::result<void> dead_letters(const dead_letter_filter& which,
                                  const std::function<void(const dead_letter&)>& fn);
  core::result<std::uint64_t> redrive(const dead_letter_filter& which);
  core::result<std::uint64_t> purge(const dead_letter_filter& which);
  core::result<std::uint64_t> mark(status_change change);
  core::result<void> replay(const std::function<void(const core::entry&)>& fn);
  core::result<pending_batch> read_pending(std::string_view destination, position from,
                                           std::size_t entries_max, std::size_t bytes_max);
  core::result<std::vector<core::entry>> sample_delivered(std::size_t count);
  core::result<void> delivered_entries(const delivered_visitor& fn);
  core::result<void> recent_entries(core::time_point since,
                                    const std::function<void(const core::entry&)>& fn);
  core::result<std::uint64_t> redeliver(std::span<const core::entry> entries);
  core::result<void> settle();
  core::result<void> maintain();
  core::result<void> sync() {
    return commits_.exclusively([](appender& end) { return end.sync(); });
  }
  std::uint64_t pending_count() const { return known_.index().size(); }
  pending_size how_much_is_pending() const {
    return {known_.index().size(), known_.index().bytes()};
  }
  core::result<void> close();
  std::vector<bool> keys_wait(std::string_view source, std::string_view destination,
                              std::span<const std::string> idempotency_keys) const;
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
  std::vector<destination_backlog> backlogs() const;
  void on_commit(std::function<void(const commit_info&)> observer) {
    commits_.on_commit(std::move(observer));
  }

 private:
  /// A segment's file as it was at one moment; null: there is no such segment any more.
  struct open_file {
    std::string name;
    std::unique_ptr<core::file> file;
    std::uint64_t size = 0;
  };
  /// With settling_ held.
  core::result<open_file> open_segment(std::uint32_t number);
  /// Seconds since then, by our clock.
  double age(std::uint32_t unix_seconds) const;
  struct delivered_lines;
  core::result<delivered_lines> find_delivered(std::uint32_t number);
  /// Calls `visit`, without a lock, for each delivered entry, segment by segment. Stops with its
  /// first error, or `closed`.
  core::result<void> visit_delivered(
      const std::function<core::result<void>(const delivered_lines&, location)>& visit);
  /// Nothing, and a line in the log, if it can't be read any more.
  core::result<std::optional<core::entry>> read_delivered(const delivered_lines& in,
                                                          location where);
  /// Whether an entry of that name is pending, or in `batch`.
  bool waits(const core::entry& value, const std::vector<core::entry_ptr>& batch) const;
  core::result<void> take_stock();
  core::result<void> before_removal(const std::string& segment);
  core::result<void> retire();
  core::result<void> visit_dead_letters(const dead_letter_filter& which,
                                        const dead_letter_visitor& visit);
  core::result<std::uint64_t> mark_dead(const std::vector<dead_letter>& which, core::status as);
  core::result<void> add_line(commit_request& request, const core::entry& given, line_time& time);
  void add_status_lines(commit_request& request, status_change change) const;
  /// Where the next pending entries stand: of one destination, or of all of them.
  core::result<void> find_pending(std::optional<std::string_view> destination, position from,
                                  std::size_t entries_max, std::size_t bytes_max,
                                  pending_lines& lines);
  /// Reads them; those that can't be read any more are withheld.
  core::result<void> read_lines(pending_lines& lines, const pending_lines::visitor& visit);
  /// Settles the sealed segments that are wanted, oldest first. `may_wait`, asked before each: so
  /// many bytes of them may be left.
  core::result<void> settle_all(
      const std::function<bool(const segment&)>& wanted,
      const std::function<std::uint64_t()>& may_wait = [] { return std::uint64_t(0); });
  /// An error once the log is closed.
  core::result<void> check_open() const;
  void run_maintenance();

  const options how_;
  const std::unique_ptr<line_format> format_owner_;
  const line_format& format_ = *format_owner_;
  mutable std::mutex mutex_;  ///< guards known_, the counters and closed_
  catalog known_;
  group_commit commits_;
  retention retention_;
  /// One settling or retention at a time, and none while a segment is searched for delivered
  /// entries or the dead letters are read. Taken before mutex_.
  std::mutex settling_;
  std::mutex redelivering_;  ///< taken before mutex_
  std::unique_ptr<core::file_lock> lock_;
  line_counts found_;
  std::uint64_t written_before_ = 0;  ///< by the appender, when the last maintenance began
  std::uint64_t replayed_ = 0, delivered_ = 0, failed_ = 0, unreadable_ = 0, quarantined_ = 0;
  bool closed_ = false;
  std::thread maintenance_;
  std::condition_variable stop_maintenance_;
};

}  // namespace nexus::wal
