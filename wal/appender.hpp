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
#include "wal/disk_space.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"
#include "wal/sealer.hpp"

namespace nexus::wal {

/// Where the first byte of a write stands.
struct placement {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
};

/// Lines of entries on their way to the disk.
struct entry_lines {
  std::string_view lines;  ///< as encode() has left them
  std::string_view macs;   ///< in mode mac: of each entry, 32 raw bytes
};

class appender {
 public:
  /// `how`, `format`, `known` and `guard` (the mutex of `known`) must outlive it.
  appender(const options& how, const line_format& format, catalog& known, std::mutex& guard);

  /// Goes on at the end of the newest segment of the catalog, which must be open for writing in
  /// `file`; null: the next append begins a segment. `found`: what the directory held.
  core::result<void> resume(std::unique_ptr<core::file> file, const survey& found);

  /// Whether there is room for that many bytes of entries. Error: `wal_full`.
  core::result<void> admit(std::uint64_t bytes) { return space_.admit(bytes); }

  /// Gives up the space of the reserve, so that what failed for want of space may be tried again.
  /// False if there was none to give.
  bool release_reserve() { return space_.release_reserve(); }

  bool lacks_reserve() const noexcept { return space_.lacks_reserve(); }

  /// Sets the reserve up again, where there is room for it.
  core::result<void> keep_reserve() { return space_.keep_reserve(); }

  /// Makes sure that there is an active segment: encode() is for that one.
  core::result<void> prepare();

  /// Plain lines (newlines included) as the active segment stores them. Where lines are stored
  /// encrypted, `moved` is called with the new place and length of each, in order.
  std::string encode(std::string_view plain,
                     const std::function<void(std::size_t offset, std::size_t length)>& moved);

  /// Writes the waiting marks and `entries`, and syncs if there are entries: then all of them are
  /// durable. `publish` is called once they are, with the mutex held, in the same step that lets
  /// others read so far, and before the segment can be sealed: nobody sees a line in the file that
  /// the catalog does not know. On an error none of the entries is accepted, the marks are kept,
  /// and the segment is given up.
  core::result<placement> append(std::span<const entry_lines> entries,
                                 const std::function<void(placement)>& publish);

  /// Adds status lines, plain, to be written by the next append().
  void add_marks(std::string_view lines, std::uint64_t count);

  /// Whether marks wait to be written or synced.
  bool has_late_marks() const noexcept { return waiting_.count + unsynced_.count > 0; }

  /// Makes all marks durable.
  core::result<void> sync();

  /// Seals the active segment and begins a new one.
  core::result<void> rotate();

  /// A segment is about to be removed by retention.
  core::result<void> note_removed(const std::string& segment) {
    return seals_.note_removed(segment);
  }

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
    std::uint64_t noted_size = 0;  ///< what the last synced note says
    line_encoder encoder;
  };
  /// Status lines, plain, one after the other.
  struct marks {
    std::string lines;
    std::uint64_t count = 0;
    void take_over(marks& other);
  };

  core::result<open_segment> begin_segment();
  core::result<std::unique_ptr<core::file>> create_file(const std::string& name);
  std::string preamble();
  core::result<void> sync_active();
  core::result<void> add_seal();
  void finish_active();
  void truncate_active();
  void give_up_active(const core::error& why);

  const options& how_;
  const line_format& format_;
  catalog& known_;
  std::mutex& guard_;
  std::uint64_t size_max_;
  disk_space space_;
  sealer seals_;
  std::optional<open_segment> active_;  ///< none: the next append begins a segment
  marks waiting_;                       ///< not written yet
  marks unsynced_;                      ///< written since the last sync
  std::string last_name_;  ///< of the newest segment, or of one that could not be begun
  std::uint64_t syncs_ = 0;
  std::uint64_t bytes_written_ = 0;
};

/// `max_segment_size_mb` in bytes, its default filled in.
std::uint64_t segment_bytes_max(const options& how) noexcept;

/// Reserves the space of a whole segment, where the file system can and has enough; without it a
/// segment grows write by write.
void preallocate(core::file& file, const options& how);

}  // namespace nexus::wal
