// Encryption at rest: keys, and the bodies of encrypted lines.
//
//   enc: Base64( salt[16] nonce[12 or 24] ciphertext tag[16] )
//
// A file's subkey is derived from the key and the salt: BLAKE2b (libsodium
// crypto_generichash_blake2b_salt_personal) keyed with the key, the salt as its salt, the personal
// string "nexus-wal-line-1", 32 bytes. Each file is written under a fresh random salt, each line
// under a random nonce; the file's name is the additional data, so that a line can't be moved to
// another file. The salt stands in each line, not once in the file, so that damage costs only the
// damaged lines.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// 32 bytes that are wiped when they are not needed any more.
class key_bytes {
 public:
  key_bytes() = default;
  explicit key_bytes(std::string_view bytes);  ///< 32 of them
  key_bytes(const key_bytes& other) = default;
  key_bytes& operator=(const key_bytes& other) = default;
  ~key_bytes();
  const unsigned char* data() const noexcept { return bytes_.data(); }
  unsigned char* data() noexcept { return bytes_.data(); }

 private:
  std::array<unsigned char, 32> bytes_{};
};

using salt_bytes = std::array<unsigned char, 16>;

/// Whether this CPU can run it; false for AES without AES instructions.
bool is_available(cipher value) noexcept;

/// The keys of a log. Any thread.
class keyring {
 public:
  /// Errors: `bad_config`.
  static core::result<keyring> make(const encryption_options& how);

  bool encrypts() const noexcept { return enabled_; }
  bool empty() const noexcept { return keys_.empty(); }
  /// Whether there are keys that only decrypt.
  bool has_former() const noexcept { return keys_.size() > (enabled_ ? 1 : 0); }
  cipher with() const noexcept { return with_; }
  /// What may be told of the key that encrypts: 16 hex digits derived from it. The ring must not be
  /// empty.
  std::string_view current_id() const noexcept { return keys_.front().id; }
  bool has(std::string_view key_id) const noexcept;

 private:
  friend class file_cipher;
  friend class file_decipher;
  struct named_key {
    key_bytes key;
    std::string id;
  };
  bool enabled_ = false;
  cipher with_ = cipher::aes_256_gcm;
  std::vector<named_key> keys_;
};

/// A cipher with the subkey of one file, expanded once; wiped when it is not needed any more. Any
/// thread.
class file_subkey {
 public:
  file_subkey(cipher with, const key_bytes& key, const salt_bytes& salt);
  file_subkey(const file_subkey& other) = default;
  file_subkey& operator=(const file_subkey& other) = default;
  ~file_subkey();

  std::size_t nonce_size() const noexcept;
  /// Writes ciphertext and tag: tag_size bytes more than `text`.
  void seal(unsigned char* to, std::string_view text, std::string_view file_name,
            const unsigned char* nonce) const;
  /// Undoes seal: writes tag_size bytes less than `sealed`, which holds at least those. False if
  /// anything does not fit.
  bool open(unsigned char* to, std::string_view sealed, std::string_view file_name,
            const unsigned char* nonce) const;

  static constexpr std::size_t tag_size = 16;

 private:
  cipher with_;
  /// libsodium's expanded AES key, or the XChaCha key.
  alignas(16) std::array<unsigned char, 512> state_{};
};

/// Encrypts the lines of one file. One thread at a time.
class file_cipher {
 public:
  /// Draws the file's salt. `keys` must encrypt.
  explicit file_cipher(const keyring& keys);

  /// Appends the body for `json`, bound to `file_name`.
  void append_body(std::string& out, std::string_view json, std::string_view file_name) const;

  /// Bytes of the body of a JSON of that size.
  static std::size_t body_bytes(std::size_t json_bytes, cipher with) noexcept;

 private:
  salt_bytes salt_;
  file_subkey subkey_;
};

/// Decrypts the lines of one file, whichever of the keys and ciphers they were written with. One
/// thread at a time. Remembers the subkey of the last salt.
class file_decipher {
 public:
  /// `keys` must outlive it.
  explicit file_decipher(const keyring& keys);

  /// Puts the JSON of `body` (with its `enc:`) into `json`. False if none of the keys fits, or it
  /// was changed.
  bool open_body(std::string& json, std::string_view body, std::string_view file_name);

 private:
  void derive(const salt_bytes& salt);

  const keyring& keys_;
  salt_bytes salt_{};
  std::vector<file_subkey> candidates_;  ///< for salt_; the one that fitted last comes first
  std::string sealed_;                   ///< what the Base64 of the last body stood for
};

/// `aes-256-gcm` or `xchacha20-poly1305`.
std::string_view to_string(cipher value) noexcept;
std::optional<cipher> parse_cipher(std::string_view name) noexcept;

}  // namespace nexus::wal
