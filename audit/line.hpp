// One line of the interaction log (section 6.2 of the v0.1.2 behaviour).
//
//   BODY TAB crc32 LF              integrity crc32
//   BODY TAB crc32 TAB hmac LF     integrity mac
//
// BODY is JSON, or Base64 of: 0x01, the key's number (4 bytes, big endian, always 1), a nonce of 12
// bytes, and the JSON under AES-256-GCM with its tag of 16 bytes behind it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/digest.hpp"

namespace nexus::audit {

struct line_options {
  std::string mac_key;    ///< empty: integrity crc32
  std::string key;        ///< 32 bytes, or empty: encrypted lines cannot be read
  bool encrypts = false;  ///< needs the key
};

/// Writes and reads lines. Any thread.
class line_codec {
 public:
  explicit line_codec(line_options how);
  ~line_codec();
  line_codec(const line_codec&) = delete;
  line_codec& operator=(const line_codec&) = delete;

  /// Appends the line for `json`, newline included.
  void append_line(std::string& out, std::string_view json) const;

  /// The JSON of a line (without its newline); nothing if it is damaged, was changed, has no HMAC
  /// where there must be one, or cannot be decrypted.
  std::optional<std::string> read_line(std::string_view line) const;

 private:
  void append_encrypted(std::string& out, std::string_view json) const;
  std::optional<std::string> decrypt(std::string_view body) const;

  std::string key_;
  const bool encrypts_;
  std::optional<core::hmac_sha256> mac_;
};

}  // namespace nexus::audit
