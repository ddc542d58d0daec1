// Reads a segment line by line and says what each line is. Everything that looks at stored lines
// goes through here.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "core/entry.hpp"
#include "core/file.hpp"
#include "wal/entry_head.hpp"
#include "wal/format.hpp"
#include "wal/segment_reader.hpp"

namespace nexus::wal {

enum class line_kind {
  entry,    ///< whole, with one of the three status words: the only kind that is delivered
  status,   ///< whole, a status line of ours
  foreign,  ///< whole, but no entry for us (another status word or entry_type): kept as it is
  blank,
  torn,
  bad_crc,
  bad_mac,
  missing_mac,
  malformed,  ///< whole, but its JSON is no entry
};

const char* to_string(line_kind kind) noexcept;

/// Whether a line of this kind means that stored bytes were lost or changed.
bool is_damage(line_kind kind) noexcept;

struct scanned_line {
  raw_line raw;
  line_kind kind = line_kind::blank;
  std::string_view json;  ///< of a whole line, exactly as stored
  entry_head head;        ///< of an entry, a status line, or a foreign one

  /// Whether it is an entry whose own line says that it waits.
  bool is_pending() const noexcept;
  /// The whole entry; of the same kinds of lines.
  core::entry entry() const;
  /// What `head` points into where the line is not in our own spelling.
  std::shared_ptr<const core::entry> parsed;
};

/// How many lines of each kind.
struct line_counts {
  std::uint64_t lines = 0, crc_failures = 0, integrity_failures = 0, torn = 0, malformed = 0;
  void add(line_kind kind) noexcept;
};

/// Takes one line apart.
scanned_line classify(const raw_line& raw, const line_format& format);

/// Calls `visit` for each line of the first `size` bytes. Errors are those of reading the file;
/// damage is no error.
core::result<void> scan_segment(const core::file& source, std::uint64_t size,
                                const line_format& format,
                                const std::function<void(const scanned_line&)>& visit);

}  // namespace nexus::wal
