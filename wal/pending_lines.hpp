// The lines of some pending entries: found with the log's mutex, read without it. Lines that stand
// close together are read together.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/pending_index.hpp"
#include "wal/scan.hpp"

namespace nexus::wal {

/// A line that can't be read any more.
struct lost_line {
  pending_index::position at = 0;
  std::string segment;  ///< its file name
  std::uint64_t offset = 0;
  core::error why;  ///< `corrupt`
};

/// Belongs to one thread at a time.
class pending_lines {
 public:
  using position = pending_index::position;
  /// Gets a line; valid until it returns.
  using visitor = std::function<void(position at, const scanned_line& line)>;

  /// Both must outlive it.
  pending_lines(core::file_system& files, const line_format& format)
      : files_(files), format_(format) {}

  /// Forgets what it holds; the next lines stand at or after `from`.
  void begin(position from);
  /// Adds a line behind the others, and opens its segment. With the log's mutex.
  core::result<void> add(const pending_index::found& line, const catalog& known);
  /// No line is left; what comes later will stand at or after `end`.
  void end_at(position end);

  std::size_t size() const noexcept { return lines_.size(); }
  /// Where to look for the next line.
  position next() const noexcept { return next_; }
  bool at_end() const noexcept { return at_end_; }

  /// Reads the lines in their order and checks them (CRC, HMAC, grammar): those that are still
  /// whole entries go to `visit`, the others to `lost`. Error: a file can't be read. Without the
  /// mutex.
  core::result<void> read(const visitor& visit, const std::function<void(const lost_line&)>& lost);

 private:
  struct open_segment {
    std::unique_ptr<core::file> file;
    std::string name;
    std::unique_ptr<line_decoder> decoder;
  };
  struct line {
    position at;
    location where;
    open_segment* in;
  };

  /// The lines from `first` on that are read together.
  std::span<const line> run_from(std::size_t first) const;
  /// Reads a run into the buffer; returns how many bytes there were.
  core::result<std::size_t> load(std::span<const line> run);

  core::file_system& files_;
  const line_format& format_;
  std::map<std::uint32_t, open_segment> segments_;
  std::vector<line> lines_;
  position next_ = 0;
  bool at_end_ = false;
  std::string buffer_;
  scanned_line scanned_;
};

}  // namespace nexus::wal
