#include "wal/keyring.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/base64.hpp"

namespace nexus::wal {
namespace {

constexpr std::string_view body_prefix = "enc:";
constexpr std::size_t id_bytes = 8;

static_assert(std::tuple_size_v<salt_bytes> == crypto_generichash_blake2b_SALTBYTES);
static_assert(file_subkey::tag_size == crypto_aead_aes256gcm_ABYTES &&
              file_subkey::tag_size == crypto_aead_xchacha20poly1305_ietf_ABYTES);
static_assert(sizeof(key_bytes) == crypto_aead_aes256gcm_KEYBYTES &&
              sizeof(key_bytes) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(sizeof(crypto_aead_aes256gcm_state) <= 512);

const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::size_t nonce_size_of(cipher with) {
  return with == cipher::aes_256_gcm ? crypto_aead_aes256gcm_NPUBBYTES
                                     : crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
}

/// 32 bytes that depend on all bytes of the key, and tell nothing of it. `personal`: 16 characters.
key_bytes derive_from(const key_bytes& key, const unsigned char* salt, std::string_view personal) {
  key_bytes derived;
  if (crypto_generichash_blake2b_salt_personal(derived.data(), sizeof(derived), raw(""), 0,
                                               key.data(), sizeof(key), salt, raw(personal)) != 0)
    std::abort();
  return derived;
}

std::string id_of(const key_bytes& key) {
  const auto derived = derive_from(key, nullptr, "nexus-wal-key-id");
  std::string id(2 * id_bytes + 1, '\0');  // libsodium ends it with a NUL
  sodium_bin2hex(id.data(), id.size(), derived.data(), id_bytes);
  id.pop_back();
  return id;
}

salt_bytes random_salt() {
  salt_bytes salt;
  randombytes_buf(salt.data(), salt.size());
  return salt;
}

core::error bad_config(std::string text) {
  return {core::errc::bad_config, std::move(text)};
}

}  // namespace

key_bytes::key_bytes(std::string_view bytes) {
  if (bytes.size() != bytes_.size()) std::abort();
  std::memcpy(bytes_.data(), bytes.data(), bytes_.size());
}

key_bytes::~key_bytes() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

bool is_available(cipher value) noexcept {
  if (sodium_init() < 0) std::abort();
  return value != cipher::aes_256_gcm || crypto_aead_aes256gcm_is_available() != 0;
}

core::result<keyring> keyring::make(const encryption_options& how) {
  if (sodium_init() < 0) std::abort();
  if (how.enabled && how.keys.empty()) return bad_config("encryption of the log needs a key");
  if (how.enabled && !is_available(how.with))
    return bad_config(
        "encryption of the log with aes-256-gcm: this CPU has no instructions for AES; set "
        "cipher = \"xchacha20-poly1305\"");
  keyring made;
  made.enabled_ = how.enabled;
  made.with_ = how.with;
  for (std::size_t i = 0; i < how.keys.size(); ++i) {
    if (how.keys[i].size() != sizeof(key_bytes))
      return bad_config("encryption key " + std::to_string(i + 1) + " of the log has " +
                        std::to_string(how.keys[i].size()) + " bytes instead of 32");
    const key_bytes key(how.keys[i]);
    made.keys_.push_back({key, id_of(key)});
  }
  return made;
}

bool keyring::has(std::string_view key_id) const noexcept {
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const named_key& each) { return each.id == key_id; });
}

file_subkey::file_subkey(cipher with, const key_bytes& key, const salt_bytes& salt) : with_(with) {
  const auto subkey = derive_from(key, salt.data(), "nexus-wal-line-1");
  if (with_ == cipher::xchacha20_poly1305) {
    std::memcpy(state_.data(), subkey.data(), sizeof(subkey));
    return;
  }
  auto* state = reinterpret_cast<crypto_aead_aes256gcm_state*>(state_.data());
  if (crypto_aead_aes256gcm_beforenm(state, subkey.data()) != 0) std::abort();
}

file_subkey::~file_subkey() {
  sodium_memzero(state_.data(), state_.size());
}

std::size_t file_subkey::nonce_size() const noexcept {
  return nonce_size_of(with_);
}

void file_subkey::seal(unsigned char* to, std::string_view text, std::string_view file_name,
                       const unsigned char* nonce) const {
  const auto* state = reinterpret_cast<const crypto_aead_aes256gcm_state*>(state_.data());
  const int failed = with_ == cipher::aes_256_gcm
                         ? crypto_aead_aes256gcm_encrypt_afternm(
                               to, nullptr, raw(text), text.size(), raw(file_name),
                               file_name.size(), nullptr, nonce, state)
                         : crypto_aead_xchacha20poly1305_ietf_encrypt(
                               to, nullptr, raw(text), text.size(), raw(file_name),
                               file_name.size(), nullptr, nonce, state_.data());
  if (failed != 0) std::abort();
}

bool file_subkey::open(unsigned char* to, std::string_view sealed, std::string_view file_name,
                       const unsigned char* nonce) const {
  const auto* state = reinterpret_cast<const crypto_aead_aes256gcm_state*>(state_.data());
  const int failed =
      with_ == cipher::aes_256_gcm
          ? crypto_aead_aes256gcm_decrypt_afternm(to, nullptr, nullptr, raw(sealed), sealed.size(),
                                                  raw(file_name), file_name.size(), nonce, state)
          : crypto_aead_xchacha20poly1305_ietf_decrypt(to, nullptr, nullptr, raw(sealed),
                                                       sealed.size(), raw(file_name),
                                                       file_name.size(), nonce, state_.data());
  return failed == 0;
}

file_cipher::file_cipher(const keyring& keys)
    : salt_(random_salt()), subkey_(keys.with_, keys.keys_.front().key, salt_) {}

void file_cipher::append_body(std::string& out, std::string_view json,
                              std::string_view file_name) const {
  const auto nonce_size = subkey_.nonce_size();
  std::string bytes(salt_.size() + nonce_size + json.size() + file_subkey::tag_size, '\0');
  auto* salt = reinterpret_cast<unsigned char*>(bytes.data());
  auto* nonce = salt + salt_.size();
  std::memcpy(salt, salt_.data(), salt_.size());
  randombytes_buf(nonce, nonce_size);
  subkey_.seal(nonce + nonce_size, json, file_name, nonce);
  out += body_prefix;
  core::append_base64(out, bytes);
}

std::size_t file_cipher::body_bytes(std::size_t json_bytes, cipher with) noexcept {
  return body_prefix.size() + core::base64_digits(sizeof(salt_bytes) + nonce_size_of(with) +
                                                  json_bytes + file_subkey::tag_size);
}

file_decipher::file_decipher(const keyring& keys) : keys_(keys) {}

bool file_decipher::open_body(std::string& json, std::string_view body,
                              std::string_view file_name) {
  if (!body.starts_with(body_prefix)) return false;
  if (!core::decode_base64(sealed_, body.substr(body_prefix.size()))) return false;
  salt_bytes salt;
  if (sealed_.size() < salt.size()) return false;
  std::memcpy(salt.data(), sealed_.data(), salt.size());
  if (candidates_.empty() || salt != salt_) derive(salt);
  const auto rest = std::string_view(sealed_).substr(salt.size());
  for (auto& candidate : candidates_) {
    if (rest.size() < candidate.nonce_size() + file_subkey::tag_size) continue;
    const auto sealed = rest.substr(candidate.nonce_size());
    json.resize(sealed.size() - file_subkey::tag_size);
    if (!candidate.open(reinterpret_cast<unsigned char*>(json.data()), sealed, file_name,
                        raw(rest)))
      continue;
    if (&candidate != &candidates_.front()) std::swap(candidate, candidates_.front());
    return true;
  }
  return false;
}

void file_decipher::derive(const salt_bytes& salt) {
  candidates_.clear();
  salt_ = salt;
  for (const auto& named : keys_.keys_)
    for (auto with : {cipher::aes_256_gcm, cipher::xchacha20_poly1305})
      if (is_available(with)) candidates_.emplace_back(with, named.key, salt);
}

std::string_view to_string(cipher value) noexcept {
  return value == cipher::aes_256_gcm ? "aes-256-gcm" : "xchacha20-poly1305";
}

std::optional<cipher> parse_cipher(std::string_view name) noexcept {
  for (auto value : {cipher::aes_256_gcm, cipher::xchacha20_poly1305})
    if (name == to_string(value)) return value;
  return {};
}

}  // namespace nexus::wal
