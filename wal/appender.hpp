// The end of the log: writes lines to the active segment, begins new segments, and gives up a
// segment after a failure.
//
// Two kinds of lines. Entries are durable when append() returns success, or the whole call failed.
// Marks (status lines) may be late: they are kept in memory until a sync has covered them, so that
// a segment that is given up takes none of them along.
//
// Belongs to one thread at a time: the log's writer token.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Where the first byte of a write stands.
struct placement {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
};

class appender {
 public:
  /// `how`, `known` and `guard` (the mutex of `known`) must outlive it.
  appender(const options& how, catalog& known, std::mutex& guard);

  /// Goes on at the end of the newest segment of the catalog, which must be open for writing in
  /// `file`.
  void continue_with(std::unique_ptr<core::file> file);

  /// Writes the waiting marks and `entries` (whole lines), and syncs if there are entries: then all
  /// of them are durable. `publish` is called once they are, with the mutex held, in the same step
  /// that lets others read so far, and before the segment can be sealed: nobody sees a line in the
  /// file that the catalog does not know. On an error none of the entries is accepted, the marks
  /// are kept, and the segment is given up.
  core::result<placement> append(std::span<const std::string_view> entries,
                                 const std::function<void(placement)>& publish);

  /// Adds status lines to be written by the next append().
  void add_marks(std::string_view lines, std::uint64_t count);

  /// Whether marks wait to be written or synced.
  bool has_late_marks() const noexcept { return waiting_.count + unsynced_.count > 0; }

  /// Makes all marks durable.
  core::result<void> sync();

  /// Seals the active segment and begins a new one.
  core::result<void> rotate();

  /// Makes all marks durable and seals the active segment. No append after it.
  core::result<void> close();

  std::uint64_t syncs() const noexcept { return syncs_; }
  std::uint64_t bytes_written() const noexcept { return bytes_written_; }

 private:
  /// A segment that is open for writing.
  struct open_segment {
    std::unique_ptr<core::file> file;
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    std::uint64_t synced_size = 0;
  };
  /// Status lines, one after the other.
  struct marks {
    std::string lines;
    std::uint64_t count = 0;
    void take_over(marks& other);
  };

  core::result<open_segment> begin_segment();
  core::result<std::unique_ptr<core::file>> create_file(const std::string& name);
  core::result<void> sync_active();
  void seal_active();
  void give_up_active(const core::error& why);

  const options& how_;
  catalog& known_;
  std::mutex& guard_;
  std::uint64_t size_max_;
  std::optional<open_segment> active_;  ///< none: the next append begins a segment
  marks waiting_;                       ///< not written yet
  marks unsynced_;                      ///< written since the last sync
  std::string last_name_;  ///< of the newest segment, or of one that could not be begun
  std::uint64_t syncs_ = 0;
  std::uint64_t bytes_written_ = 0;
};

/// `max_segment_size_mb` in bytes, its default filled in.
std::uint64_t segment_bytes_max(const options& how) noexcept;

/// Reserves the space of a whole segment, where the file system can; without it a segment grows
/// write by write.
void preallocate(core::file& file, const options& how);

}  // namespace nexus::wal
