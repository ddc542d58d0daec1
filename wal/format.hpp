// The line: what one line of a segment looks like, and whether it is whole. docs/wal-format.md,
// sections 1.2 and 1.7 of the v0.1.2 behaviour.
//
//   JSON TAB crc32 LF              integrity crc32
//   JSON TAB crc32 TAB hmac LF     integrity mac
//
// crc32: IEEE, over the JSON bytes, 8 lower-case hex digits. hmac: HMAC-SHA256 over the same bytes,
// 64 lower-case digits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "wal/options.hpp"

namespace nexus::wal {

/// What a line turns out to be before its JSON is looked at.
enum class line_state {
  whole,
  blank,  ///< nothing in it
  torn,   ///< fewer than two fields: a write was cut off
  bad_crc,
  bad_mac,      ///< the HMAC does not fit: tampered with
  missing_mac,  ///< no HMAC where one is required
};

/// A line taken apart. `json` points into the line that was read.
struct line_parts {
  line_state state = line_state::blank;
  std::string_view json;
};

/// Writes and reads lines of one integrity mode. May be used from several threads.
class line_format {
 public:
  /// `key` is needed for mac.
  line_format(integrity_mode mode, std::string_view key, bool accept_unsigned);
  ~line_format();
  line_format(const line_format&) = delete;
  line_format& operator=(const line_format&) = delete;

  /// Appends the line for `json`, newline included.
  void append_line(std::string& out, std::string_view json) const;

  /// Completes the line whose JSON already stands in `out` from `start` to the end.
  void finish_line(std::string& out, std::size_t start) const;

  /// Takes a line (without its newline) apart and checks it.
  line_parts read_line(std::string_view line) const;

 private:
  std::array<char, 64> hmac_hex(std::string_view json) const;

  integrity_mode mode_;
  bool accept_unsigned_;
  /// libsodium's state after the key: copied for each line, so that the key is hashed once. Wiped
  /// at the end.
  alignas(16) std::array<unsigned char, 512> keyed_state_{};
};

}  // namespace nexus::wal
