#include "tests/proof/sweep/reference_body.hpp"

#include <sodium.h>
#include <zlib.h>
#include <zstd.h>

#include <array>

namespace nexus::test::sweep {
namespace {

constexpr std::size_t salt_bytes = 16, tag_bytes = 16, json_bytes_max = 64 << 20;

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

std::string hex_of(const std::string& bytes) {
  std::string hex(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), bytes_of(bytes), bytes.size());
  hex.pop_back();
  return hex;
}

using decrypt_fn = decltype(&crypto_aead_aes256gcm_decrypt);

std::optional<std::string> open_box(decrypt_fn decrypt, std::size_t nonce_bytes,
                                    const std::string& packed, const std::string& name,
                                    const std::string& key) {
  if (packed.size() < salt_bytes + nonce_bytes + tag_bytes) return {};
  std::string subkey(32, '\0');
  crypto_generichash_blake2b_salt_personal(
      bytes_of(subkey), subkey.size(), nullptr, 0, bytes_of(key), key.size(), bytes_of(packed),
      reinterpret_cast<const unsigned char*>("nexus-wal-line-1"));
  const auto box = packed.substr(salt_bytes + nonce_bytes);
  std::string json(box.size() - tag_bytes, '\0');
  if (decrypt(bytes_of(json), nullptr, nullptr, bytes_of(box), box.size(), bytes_of(name),
              name.size(), bytes_of(packed) + salt_bytes, bytes_of(subkey)) != 0)
    return {};
  return json;
}

}  // namespace

std::string crc_of(const std::string& body) {
  const auto sum = ::crc32(0, bytes_of(body), static_cast<uInt>(body.size()));
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(sum >> shift);
  return hex_of(bytes);
}

std::string hmac_of(const std::string& body, const std::string& key) {
  std::string mac(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(body), body.size());
  crypto_auth_hmacsha256_final(&state, bytes_of(mac));
  return hex_of(mac);
}

std::optional<std::string> from_base64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(bytes_of(bytes), bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return {};
  bytes.resize(size);
  return bytes;
}

std::optional<std::string> decrypted(const std::string& base64, const std::string& name,
                                     const std::vector<std::string>& keys) {
  const auto packed = from_base64(base64);
  if (!packed) return {};
  for (const auto& key : keys) {
    if (auto json = open_box(crypto_aead_aes256gcm_decrypt, 12, *packed, name, key)) return json;
    if (auto json = open_box(crypto_aead_xchacha20poly1305_ietf_decrypt, 24, *packed, name, key))
      return json;
  }
  return {};
}

std::optional<std::string> decompressed(const std::string& base64) {
  const auto packed = from_base64(base64);
  if (!packed || packed->empty()) return {};
  std::string json;
  for (std::size_t at = 0; at < packed->size();) {  // frame by frame
    const auto frame = ZSTD_findFrameCompressedSize(packed->data() + at, packed->size() - at);
    if (ZSTD_isError(frame)) return {};
    const auto size = ZSTD_getFrameContentSize(packed->data() + at, frame);
    if (size > json_bytes_max) return {};
    std::string part(size, '\0');
    if (ZSTD_isError(ZSTD_decompress(part.data(), part.size(), packed->data() + at, frame)))
      return {};
    json += part;
    at += frame;
  }
  return json;
}

}  // namespace nexus::test::sweep
