#include "actors/handshake.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>

namespace nexus::actors {
namespace {

constexpr std::size_t nonce_bytes = 32;

using mac = std::array<unsigned char, crypto_auth_hmacsha256_BYTES>;

void need_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();
}

const unsigned char* bytes_of(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Role and nonces have fixed lengths: what stands in one place cannot pass for another.
std::string sign(const std::string& secret, const char (&role)[13], const std::string& client_nonce,
                 const std::string& door_nonce) {
  need_sodium();
  const std::string text = role + client_nonce + door_nonce;
  crypto_auth_hmacsha256_state state;
  mac sum;
  crypto_auth_hmacsha256_init(&state, bytes_of(secret), secret.size());
  crypto_auth_hmacsha256_update(&state, bytes_of(text), text.size());
  crypto_auth_hmacsha256_final(&state, sum.data());
  sodium_memzero(&state, sizeof state);
  return {sum.begin(), sum.end()};
}

bool same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string make_nonce() {
  need_sodium();
  std::string nonce(nonce_bytes, '\0');
  randombytes_buf(nonce.data(), nonce.size());
  return nonce;
}

bool is_nonce(const std::string& bytes) noexcept {
  return bytes.size() == nonce_bytes;
}

std::string door_proof(const std::string& secret, const std::string& client_nonce,
                       const std::string& door_nonce) {
  return sign(secret, "nexus door 1", client_nonce, door_nonce);
}

bool is_door_proof(const std::string& proof, const std::string& secret,
                   const std::string& client_nonce, const std::string& door_nonce) {
  return is_nonce(door_nonce) && same(proof, door_proof(secret, client_nonce, door_nonce));
}

std::string make_pass(const std::string& secret, const std::string& client_nonce,
                      const std::string& door_nonce) {
  return client_nonce + sign(secret, "nexus pass 1", client_nonce, door_nonce);
}

bool is_pass(const std::string& pass, const std::string& secret, const std::string& door_nonce) {
  if (pass.size() != nonce_bytes + crypto_auth_hmacsha256_BYTES) return false;
  return same(pass, make_pass(secret, pass.substr(0, nonce_bytes), door_nonce));
}

}  // namespace nexus::actors
