// Reads a directory by the reference's rules (sections 1.1 to 1.9 of the v0.1.2 behaviour), with
// nothing of ours: zlib for the CRC, libsodium for the HMAC, reference_json for the JSON. The judge
// of what our log leaves on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::test {

/// A line that the reference can parse.
struct reference_line {
  std::string segment;
  std::string json;
  std::int64_t version = 0;
  std::string payload_id, idempotency_key, status, timestamp, source, destination, subject;
  std::string actor_type, actor_id, payload;
  bool has_hmac = false;
  bool has_fitting_hmac = false;
  /// The reference's own spelling, byte for byte: its eleven keys first and in its order, its
  /// escapes, its times, no white space, two or three fields, no CR, ends with LF. Further keys may
  /// follow.
  bool canonical = false;
  /// It names a type (`entry_type`), which the reference does not know: for it only the status says
  /// that this is none of its entries.
  bool has_type = false;
};

struct reference_view {
  std::vector<reference_line> lines;   ///< that pass all checks, in order
  std::vector<std::string> pending;    ///< payload ids that replay would hand out, in order
  std::vector<std::string> delivered;  ///< payload ids that sampling would find, in order
  /// Names in the directory that are neither a segment nor a file of ours that is meant to stay.
  std::vector<std::string> leftovers;
  std::uint64_t short_lines = 0;  ///< fewer than two fields: torn, or blank
  std::uint64_t crc_failures = 0;
  std::uint64_t integrity_failures = 0;
  std::uint64_t malformed = 0;
  std::uint64_t damaged = 0;  ///< all four
  /// An entry of another type than data that the reference would deliver or sample all the same.
  std::uint64_t misread = 0;
  bool too_long = false;  ///< a line that stops the reference from starting
};

/// `key` empty: mode crc32.
reference_view read_as_reference(const std::string& directory, const std::string& key = {});

/// Reads the lines of one file, whatever its name.
reference_view read_file_as_reference(const std::string& path, const std::string& key = {});

/// The reference's line for that JSON, with its newline. `key` empty: mode crc32.
std::string reference_line_of(const std::string& json, const std::string& key = {});

/// The same between the sentinels of the newest reference version.
std::string sentinel_line_of(const std::string& body, const std::string& key = {});

}  // namespace nexus::test
