// Base64: standard alphabet, padded (RFC 4648 section 4).
//
// Why not libsodium's: it takes the same time whatever the bytes are, which ciphertext does not
// need, and an encrypted line of the log would take four times as long to read; and 1.0.18 reads
// bytes above 127 as '/'.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::core {

/// Digits of the Base64 of so many bytes.
constexpr std::size_t base64_digits(std::size_t bytes) noexcept {
  return (bytes + 2) / 3 * 4;
}

/// Appends the Base64 of `bytes`.
void append_base64(std::string& out, std::string_view bytes);

/// Puts the bytes that `text` stands for into `out`, which it may not point into. False unless
/// `text` is exactly what append_base64 makes of them; then `out` holds anything.
bool decode_base64(std::string& out, std::string_view text);

}  // namespace nexus::core
