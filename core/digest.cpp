#include "core/digest.hpp"

#include <libdeflate.h>
#include <sodium.h>

#include <cstdlib>
#include <cstring>

namespace nexus::core {

static_assert(sizeof(crypto_auth_hmacsha256_state) <= 512);

std::array<char, 8> crc32_hex(std::string_view bytes) {
  // zlib's CRC, with the processor's own instructions where it has them: several times as fast.
  auto value = ::libdeflate_crc32(0, bytes.data(), bytes.size());
  std::array<char, 8> hex;
  for (std::size_t i = hex.size(); i-- > 0; value >>= 4) hex[i] = "0123456789abcdef"[value & 15];
  return hex;
}

hmac_sha256::hmac_sha256(std::string_view key) {
  if (sodium_init() < 0) std::abort();
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()),
                              key.size());
  std::memcpy(keyed_state_.data(), &state, sizeof(state));
  sodium_memzero(&state, sizeof(state));
}

hmac_sha256::~hmac_sha256() {
  sodium_memzero(keyed_state_.data(), keyed_state_.size());
}

std::array<char, 64> hmac_sha256::hex_of(std::string_view text) const {
  crypto_auth_hmacsha256_state state;
  std::memcpy(&state, keyed_state_.data(), sizeof(state));
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
  const char* bytes = text.empty() ? "" : text.data();  // libsodium wants no null pointer
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(bytes), text.size());
  crypto_auth_hmacsha256_final(&state, mac.data());  // wipes the state
  std::array<char, 65> hex;                          // libsodium ends it with a NUL
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  std::array<char, 64> digits;
  std::memcpy(digits.data(), hex.data(), digits.size());
  return digits;
}

bool hmac_sha256::fits(std::string_view hex, std::string_view text) const {
  const auto expected = hex_of(text);
  return hex.size() == expected.size() &&
         sodium_memcmp(hex.data(), expected.data(), expected.size()) == 0;
}

}  // namespace nexus::core
