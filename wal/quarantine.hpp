// Copies of damaged lines, for people to look at: `quarantine/<segment>.jsonl` in the log's
// directory, one JSON object a line:
//
//   {"segment":"wal-….jsonl","line":7,"offset":1234,"bytes":300,"crc32":"…","reason":"…",
//    "found_at":"…","data":"BASE64"}
//
// A damaged line stays where it is; the copy outlives the segment. crc32 is over the damaged bytes:
// with segment and length it tells whether a line has been copied before. BASE64: RFC 4648, padded.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/options.hpp"
#include "wal/segment_reader.hpp"

namespace nexus::wal {

/// Name of the directory inside the log's directory.
inline constexpr std::string_view quarantine_name = "quarantine";

/// One thread at a time. Keeps the file of one segment open: lines that come segment by segment
/// cost one sync a segment.
class quarantine {
 public:
  /// `how` must outlive it. Nothing is created before the first line.
  explicit quarantine(const options& how);

  /// Copies a line of `source`, the open file of `segment`, unless the same line of that segment
  /// has been copied before. Its bytes are read from `source`, in pieces, unless `line.text` holds
  /// all of them. The copy is durable after `sync`. An
  /// error leaves no piece of the line behind, or one that the next opening of the file cuts off.
  core::result<void> add(const core::file& source, const std::string& segment, const raw_line& line,
                         std::string_view reason);

  /// Makes all copies durable, and closes the file. After an error they are copied again when they
  /// are added again.
  core::result<void> sync();

  /// Lines copied by this object.
  std::uint64_t added() const noexcept { return added_; }

 private:
  /// What tells one damaged line of a segment from another: its length and its CRC.
  using identity = std::pair<std::uint64_t, std::uint32_t>;

  core::result<void> open(const std::string& segment);
  core::result<void> read_known();
  core::result<void> write(const core::file& source, const raw_line& line, std::string head);
  core::result<void> cut_back(core::error why, std::uint64_t size);

  const options& how_;
  const std::string directory_;
  std::string segment_;               ///< whose file is open
  std::unique_ptr<core::file> file_;  ///< null: none is open
  std::uint64_t size_ = 0;            ///< up to the last whole line
  std::uint64_t known_size_ = 0;      ///< the same when the file was opened
  std::set<identity> known_;
  std::uint64_t added_ = 0;
};

}  // namespace nexus::wal
