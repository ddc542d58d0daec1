// Reads a directory by the reference's rules (sections 1.2 to 1.7 of the v0.1.2 behaviour), with
// nothing of ours: zlib for the CRC, libsodium for the HMAC, RapidJSON for the JSON. The judge of
// what our log leaves on disk.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nexus::test {

struct reference_line {
  std::string segment;
  std::string json;
  std::string payload_id, idempotency_key, status, destination;
  bool has_hmac = false;
  bool canonical = false;  ///< the reference's own spelling: its eleven keys first and in its
                           ///< order, no CR, ends with LF
};

struct reference_view {
  std::vector<reference_line> lines;  ///< whole lines, in order
  std::vector<std::string> pending;   ///< payload ids that replay would hand out, in order
  std::vector<std::string>
      leftovers;              ///< names in the directory that are neither a segment nor the lock
  std::uint64_t damaged = 0;  ///< torn, blank, failing a check, or not JSON
  bool too_long = false;      ///< a line that stops the reference from starting
};

/// `key` empty: mode crc32.
reference_view read_as_reference(const std::string& directory, const std::string& key = {});

}  // namespace nexus::test
