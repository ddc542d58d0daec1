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
  entry,        ///< whole, with one of the status words: the only kind that is delivered
  status,       ///< whole, a status line of ours
  synced,       ///< whole, a note of ours how far the segment is on disk for sure
  seal,         ///< whole, a seal of ours; see chain.hpp
  header,       ///< whole, the line that an encrypted segment begins with
  quarantined,  ///< whole, the place of a damaged line that a repair has taken out
  foreign,      ///< whole, but no entry for us (another status word or entry_type): kept as it is
  blank,
  torn,
  bad_sentinel,
  bad_crc,
  bad_mac,
  missing_mac,
  bad_body,   ///< can't be decrypted or decompressed
  no_key,     ///< encrypted, and there is no key
  malformed,  ///< whole, but its JSON is no entry
};

const char* to_string(line_kind kind) noexcept;

/// Whether a line of this kind means that stored bytes were lost or changed.
bool is_damage(line_kind kind) noexcept;

struct scanned_line {
  raw_line raw;
  line_kind kind = line_kind::blank;
  std::string_view json;   ///< of a whole line: as stored, or what it decrypts or decompresses to
  std::string_view hmac;   ///< as stored; of a whole line that has one, in mode mac
  bool encrypted = false;  ///< stored encrypted
  entry_head head;         ///< of a line whose JSON is an object as an entry is

  /// Whether the JSON of a whole line stands at its front, as in every line of v0.1.2: not
  /// encrypted, not compressed, not between sentinels.
  bool is_plain() const noexcept { return json.data() == raw.text.data(); }
  /// Whether it is an entry whose own line says that it waits.
  bool is_pending() const noexcept;
  /// The whole entry; of the same kinds of lines.
  core::entry entry() const;
  /// The same into an entry that is used again, line after line.
  void read_into(core::entry& out) const;
  /// What `head` points into where the line is not in our own spelling.
  std::shared_ptr<const core::entry> parsed;
};

/// How many lines of each kind.
struct line_counts {
  std::uint64_t lines = 0, crc_failures = 0, integrity_failures = 0, torn = 0, malformed = 0;
  std::uint64_t sentinel_failures = 0, undecodable = 0;
  std::uint64_t signed_lines = 0;  ///< whole ones with an HMAC
  void add(line_kind kind) noexcept;
};

/// Takes one line apart; valid as long as `raw` and until the decoder's next line.
scanned_line classify(const raw_line& raw, line_decoder& decoder);
/// The same into an object that is used again, line after line.
void classify(const raw_line& raw, line_decoder& decoder, scanned_line& out,
              json_check how = json_check::whole);

/// Calls `visit` for each line of the first `size` bytes. Errors are those of reading the file;
/// damage is no error. With `json_check::head` a line has no entry(): classify it once more.
core::result<void> scan_segment(const core::file& source, std::uint64_t size, line_decoder& decoder,
                                const std::function<void(const scanned_line&)>& visit,
                                json_check how = json_check::whole);

}  // namespace nexus::wal
