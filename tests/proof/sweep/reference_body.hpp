// The checks and wrappings of a line, by docs/wal-format.md, with zlib, libsodium and zstd alone.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace nexus::test::sweep {

/// CRC-32, eight lower-case hex digits.
std::string crc_of(const std::string& body);

/// HMAC-SHA256, lower-case hex.
std::string hmac_of(const std::string& body, const std::string& key);

/// Strict Base64.
std::optional<std::string> from_base64(const std::string& text);

/// The JSON that `enc:` and this Base64 stand for in the file `name`.
std::optional<std::string> decrypted(const std::string& base64, const std::string& name,
                                     const std::vector<std::string>& keys);

/// The JSON that `zstd:` and this Base64 stand for.
std::optional<std::string> decompressed(const std::string& base64);

}  // namespace nexus::test::sweep
