// Tamper evidence beyond the line (mode mac). An HMAC in each line shows that a line was changed;
// the chain shows that one was removed, repeated, moved or cut off.
//
// A *seal* is a line that covers every entry line of its segment so far, each by the MAC that it
// had when it was appended (status PENDING), so that settling never changes a seal:
//
//   {"version":2,"status":"SEAL","timestamp":"…","entry_type":"seal","segment":"wal-….jsonl",
//    "previous":"HEX","lines":N,"tags":"HEX","seal":"HEX"}
//
//   lines     how many entry lines it covers
//   tags      the first two bytes of each line's MAC, in order: they say which line is wrong; empty
//             for more than two million lines, since the reference must be able to read the seal
//   previous  the seal of the segment before; 64 zeros if there is none
//   seal      HMAC-SHA256 of "nexus-wal-seal-1" LF segment LF previous LF lines LF
//             SHA-256(all MACs in order, 32 bytes each, as lower-case hex)
//
// A segment may hold several seals of its own: the last one counts. The seal of a segment that
// could not be written any more stands in a later one. The *anchor* is a file of one such line: the
// seal of the last segment that retention has removed, and the newest seal.
//
//   {"version":2,"status":"ANCHOR","timestamp":"…","entry_type":"anchor",
//    "oldest":{"segment":"…","seal":"HEX"},"newest":{"segment":"…","seal":"HEX"}}
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"
#include "wal/scan.hpp"

namespace nexus::wal {

/// `previous` of the first segment of a chain.
inline constexpr std::string_view no_seal =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// A segment is sealed at the latest when it has this many entry lines, so that its seal stays a
/// line that the reference can read.
inline constexpr std::uint64_t sealed_lines_max = 1'000'000;

/// A seal over more lines than this (of segments that were written without seals) has no tags.
inline constexpr std::uint64_t tagged_lines_max = 2'000'000;

struct seal {
  std::string segment;
  std::string previous;  ///< hex
  std::uint64_t lines = 0;
  std::string tags;   ///< hex, four digits a line; or empty
  std::string value;  ///< hex
};

/// Appends the seal line's JSON.
void append_json(std::string& out, const seal& value, std::string_view timestamp);
/// The seal, if `line` (a parsed line of type "seal") is one; nothing if it is malformed.
std::optional<seal> parse_seal(const core::entry& line);

/// The entry lines of one segment, taken in one by one. One thread at a time; may be copied.
class chain {
 public:
  /// `previous`: the seal of the segment before, hex.
  chain(std::string segment, std::string previous);

  void add(const mac_bytes& entry_mac);
  std::uint64_t lines() const noexcept { return lines_; }
  /// The seal over everything so far; may be asked for repeatedly.
  seal seal_now(const line_format& format) const;
  /// The same lines behind another segment.
  void follow(std::string previous) { previous_ = std::move(previous); }

 private:
  std::string segment_;
  std::string previous_;
  std::uint64_t lines_ = 0;
  std::string tags_;
  alignas(16) std::array<unsigned char, 128> hash_{};  ///< libsodium's SHA-256 state
};

/// The MAC that the entry of `line` (kind entry) had when it was appended: of its JSON with status
/// PENDING and without what settling has added.
mac_bytes entry_mac(const line_format& format, const scanned_line& line);

/// A segment and its seal.
struct seal_mark {
  std::string segment;  ///< empty: none
  std::string value;
};

struct anchor {
  seal_mark oldest;  ///< of the last segment that retention has removed
  seal_mark newest;
};

/// Name of the anchor's file in the log's directory.
inline constexpr std::string_view anchor_name = "anchor";

/// The anchor of the directory; nothing if there is none. Error `corrupt` if it is damaged or was
/// changed, or what reading fails with.
core::result<std::optional<anchor>> read_anchor(const options& how, const line_format& format);

/// Replaces the anchor: temporary file (`wal-anchor.tmp`), sync, rename, sync of the directory.
core::result<void> write_anchor(const options& how, const line_format& format, const anchor& value);

}  // namespace nexus::wal
