#include "audit/line.hpp"

#include <openssl/evp.h>
#include <sodium.h>

#include <cstdlib>
#include <memory>

#include "core/base64.hpp"

// Why OpenSSL for the cipher: libsodium has AES-GCM only where the CPU has instructions for it, and
// the format knows no other cipher.

namespace nexus::audit {
namespace {

constexpr std::string_view prefix{"\x01\x00\x00\x00\x01", 5};
constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t head_size = prefix.size() + nonce_size;
constexpr std::size_t key_size = 32;

struct context_freer {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, context_freer>;

unsigned char* raw(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* raw(const char* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}

void must(int succeeded) {
  if (succeeded != 1) std::abort();
}

}  // namespace

line_codec::line_codec(line_options how) : key_(std::move(how.key)), encrypts_(how.encrypts) {
  if (sodium_init() < 0 || (encrypts_ && key_.size() != key_size)) std::abort();
  if (!how.mac_key.empty()) mac_.emplace(how.mac_key);
  sodium_memzero(how.mac_key.data(), how.mac_key.size());
}

line_codec::~line_codec() {
  sodium_memzero(key_.data(), key_.size());
}

void line_codec::append_line(std::string& out, std::string_view json) const {
  const std::size_t start = out.size();
  if (encrypts_)
    append_encrypted(out, json);
  else
    out += json;
  const std::size_t length = out.size() - start;
  const auto crc = core::crc32_hex(std::string_view(out).substr(start));
  (out += '\t').append(crc.data(), crc.size());
  if (mac_) {
    const auto mac = mac_->hex_of(std::string_view(out).substr(start, length));
    (out += '\t').append(mac.data(), mac.size());
  }
  out += '\n';
}

std::optional<std::string> line_codec::read_line(std::string_view line) const {
  const auto first = line.find('\t');
  if (first == line.npos) return std::nullopt;
  const auto body = line.substr(0, first);
  const auto rest = line.substr(first + 1);
  const auto second = rest.find('\t');
  const auto crc = core::crc32_hex(body);
  if (rest.substr(0, second) != std::string_view(crc.data(), crc.size())) return std::nullopt;
  if (mac_ && (second == rest.npos || !mac_->fits(rest.substr(second + 1), body)))
    return std::nullopt;
  if (body.starts_with('{')) return std::string(body);
  return decrypt(body);
}

void line_codec::append_encrypted(std::string& out, std::string_view json) const {
  std::string bytes(head_size + json.size() + tag_size, '\0');
  prefix.copy(bytes.data(), prefix.size());
  char* nonce = bytes.data() + prefix.size();
  char* sealed = bytes.data() + head_size;
  randombytes_buf(nonce, nonce_size);
  const cipher_context context(EVP_CIPHER_CTX_new());
  int written = 0;
  must(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(key_.data()), raw(nonce)));
  must(EVP_EncryptUpdate(context.get(), raw(sealed), &written, raw(json.data()),
                         static_cast<int>(json.size())));
  must(EVP_EncryptFinal_ex(context.get(), raw(sealed) + written, &written));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, sealed + json.size()));
  core::append_base64(out, bytes);
}

std::optional<std::string> line_codec::decrypt(std::string_view body) const {
  std::string bytes;
  if (key_.size() != key_size || !core::decode_base64(bytes, body)) return std::nullopt;
  if (bytes.size() < head_size + tag_size || !bytes.starts_with(prefix)) return std::nullopt;
  std::string json(bytes.size() - head_size - tag_size, '\0');
  const char* nonce = bytes.data() + prefix.size();
  const char* sealed = bytes.data() + head_size;
  const cipher_context context(EVP_CIPHER_CTX_new());
  int written = 0;
  must(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, raw(key_.data()), raw(nonce)));
  must(EVP_DecryptUpdate(context.get(), raw(json.data()), &written, raw(sealed),
                         static_cast<int>(json.size())));
  must(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size,
                           bytes.data() + bytes.size() - tag_size));
  if (EVP_DecryptFinal_ex(context.get(), raw(json.data()) + written, &written) != 1)
    return std::nullopt;
  return json;
}

}  // namespace nexus::audit
