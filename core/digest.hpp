// The checksums at the end of a line of our logs.
#pragma once

#include <array>
#include <string_view>

namespace nexus::core {

/// CRC-32 (IEEE, as zlib's) of `bytes`: 8 lower-case hex digits.
std::array<char, 8> crc32_hex(std::string_view bytes);

/// HMAC-SHA256 under one key, which is hashed once. Any thread.
class hmac_sha256 {
 public:
  explicit hmac_sha256(std::string_view key);
  ~hmac_sha256();  ///< wipes what it knows of the key
  hmac_sha256(const hmac_sha256&) = delete;
  hmac_sha256& operator=(const hmac_sha256&) = delete;

  /// 64 lower-case hex digits.
  std::array<char, 64> hex_of(std::string_view text) const;
  /// Whether `hex` is that of `text`; takes the same time wherever they differ.
  bool fits(std::string_view hex, std::string_view text) const;

 private:
  /// libsodium's state after the key.
  alignas(16) std::array<unsigned char, 512> keyed_state_{};
};

}  // namespace nexus::core
