#include "config/encryption.hpp"

#include <sodium.h>

#include <cstdlib>

#include "core/base64.hpp"

namespace nexus::config {
namespace {

constexpr std::size_t key_size = 32;
constexpr std::string_view key_path = "daemon.wal.encryption.key_file";
constexpr const char* how_to_make = "`openssl rand -hex 32` makes one";

std::string_view without_newline(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  return text;
}

std::string from_hex(std::string_view digits) {
  std::string bytes(digits.size() / 2, '\0');
  std::size_t size = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), digits.data(),
                     digits.size(), nullptr, &size, nullptr) != 0)
    return {};
  bytes.resize(size);
  return bytes;
}

void add_key(fields& in, std::string_view path, const placed_bytes& found,
             wal_encryption_config& out) {
  auto key = parse_encryption_key(found.bytes.reveal());
  if (key.ok()) {
    out.keys.push_back(std::move(*key));
  } else {
    in.fail("bad_key", found.at, std::string(path) + ": " + key.reason().text);
  }
}

void read_current_key(fields& in, wal_encryption_config& out) {
  // A value of the wrong type has been reported as such, an unreadable file is on the way.
  const value* given = in.find(key_path);
  if (given != nullptr && given->kind != value_kind::string) return;
  const auto found = in.referenced(key_path);
  if (given != nullptr && found.empty()) return;
  if (!found.empty() && !found.front().bytes.empty()) {
    add_key(in, key_path, found.front(), out);
  } else if (out.enabled) {
    in.fail("missing_keyfile", key_path, in.why_empty(key_path) + ". " + how_to_make);
  }
}

void read_cipher(fields& in, wal_encryption_config& out) {
  constexpr std::string_view path = "daemon.wal.encryption.cipher";
  const std::string name = in.word(path);
  if (name.empty()) return;
  for (const auto known : {wal_cipher::aes_256_gcm, wal_cipher::xchacha20_poly1305}) {
    if (name != to_string(known)) continue;
    out.cipher = known;
    return;
  }
  in.fail("unknown_value", path,
          std::string(path) + " is \"" + name + "\"; it can be aes-256-gcm or xchacha20-poly1305");
}

}  // namespace

core::result<secret> parse_encryption_key(std::string_view text) {
  if (text.size() == key_size) return secret(std::string(text));
  const std::string_view line = without_newline(text);
  if (line.size() == key_size) return secret(std::string(line));
  std::string bytes;
  if (line.size() == 2 * key_size) bytes = from_hex(line);
  if (line.size() == core::base64_digits(key_size) && !core::decode_base64(bytes, line))
    bytes.clear();
  if (bytes.size() == key_size) return secret(std::move(bytes));
  return core::error{core::errc::bad_config,
                     "a key is 32 bytes: as they are, as 64 hex digits, or as Base64; this is none "
                     "of them (" +
                         std::to_string(text.size()) + " bytes). " + how_to_make};
}

void read_encryption(fields& in, wal_encryption_config& out, bool preset) {
  out.enabled = in.flag("daemon.wal.encryption.enabled", preset);
  read_cipher(in, out);
  read_current_key(in, out);
  constexpr std::string_view previous = "daemon.wal.encryption.previous_key_files";
  for (const placed_bytes& found : in.referenced(previous)) add_key(in, previous, found, out);
}

wal_cipher best_cipher() noexcept {
  if (sodium_init() < 0) std::abort();
  return crypto_aead_aes256gcm_is_available() != 0 ? wal_cipher::aes_256_gcm
                                                   : wal_cipher::xchacha20_poly1305;
}

std::string_view to_string(wal_cipher value) noexcept {
  return value == wal_cipher::aes_256_gcm ? "aes-256-gcm" : "xchacha20-poly1305";
}

}  // namespace nexus::config
