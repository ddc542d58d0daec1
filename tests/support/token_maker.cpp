#include "tests/support/token_maker.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <vector>

#include "core/base64.hpp"

namespace nexus::test {
namespace {

struct releaser {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
  void operator()(ECDSA_SIG* signature) const noexcept { ECDSA_SIG_free(signature); }
};

void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL cannot make a key or a signature");
}

/// Big endian; `width` 0: as many bytes as it takes.
std::string bytes_of(const BIGNUM* number, int width) {
  if (width == 0) width = BN_num_bytes(number);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(width));
  require(BN_bn2binpad(number, bytes.data(), width) == width);
  return {bytes.begin(), bytes.end()};
}

std::string number_of(const EVP_PKEY* key, const char* name, int width) {
  BIGNUM* found = nullptr;
  require(EVP_PKEY_get_bn_param(key, name, &found) == 1);
  const std::unique_ptr<BIGNUM, releaser> number(found);
  return base64url(bytes_of(number.get(), width));
}

/// From ASN.1 to the two numbers, one after the other.
std::string to_jose(const std::string& signature, int width) {
  const auto* at = reinterpret_cast<const unsigned char*>(signature.data());
  const std::unique_ptr<ECDSA_SIG, releaser> parsed(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  require(parsed != nullptr);
  return bytes_of(ECDSA_SIG_get0_r(parsed.get()), width) +
         bytes_of(ECDSA_SIG_get0_s(parsed.get()), width);
}

const EVP_MD* hash_of(std::string_view alg) {
  if (alg.ends_with("256")) return EVP_sha256();
  return alg.ends_with("384") ? EVP_sha384() : EVP_sha512();
}

}  // namespace

struct signing_key::pair {
  std::unique_ptr<EVP_PKEY, releaser> key;
  const char* curve;  ///< null: RSA
  int width;          ///< bytes of a coordinate
};

std::string base64url(std::string_view bytes) {
  std::string text;
  core::append_base64(text, bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

signing_key::signing_key(kind of) : pair_(std::make_unique<pair>()) {
  switch (of) {
    case kind::rsa_2048:
      *pair_ = {decltype(pair::key)(EVP_RSA_gen(2048)), nullptr, 0};
      break;
    case kind::rsa_1024:
      *pair_ = {decltype(pair::key)(EVP_RSA_gen(1024)), nullptr, 0};
      break;
    case kind::p256:
      *pair_ = {decltype(pair::key)(EVP_EC_gen("P-256")), "P-256", 32};
      break;
    case kind::p384:
      *pair_ = {decltype(pair::key)(EVP_EC_gen("P-384")), "P-384", 48};
      break;
    case kind::p521:
      *pair_ = {decltype(pair::key)(EVP_EC_gen("P-521")), "P-521", 66};
      break;
  }
  require(pair_->key != nullptr);
}

signing_key::~signing_key() = default;

std::string signing_key::jwk(std::string_view kid, std::string_view more) const {
  const EVP_PKEY* key = pair_->key.get();
  std::string text = "{";
  if (!kid.empty()) text += "\"kid\":\"" + std::string(kid) + "\",";
  if (pair_->curve == nullptr) {
    text += "\"kty\":\"RSA\",\"n\":\"" + number_of(key, OSSL_PKEY_PARAM_RSA_N, 0) + "\",\"e\":\"" +
            number_of(key, OSSL_PKEY_PARAM_RSA_E, 0) + "\"";
  } else {
    text += std::string("\"kty\":\"EC\",\"crv\":\"") + pair_->curve + "\",\"x\":\"" +
            number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, pair_->width) + "\",\"y\":\"" +
            number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, pair_->width) + "\"";
  }
  return text + std::string(more) + "}";
}

std::string signing_key::sign(std::string_view alg, std::string_view header,
                              std::string_view claims) const {
  const std::string text = base64url(header) + "." + base64url(claims);
  const std::unique_ptr<EVP_MD_CTX, releaser> context(EVP_MD_CTX_new());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  std::size_t size = 0;
  require(EVP_DigestSignInit(context.get(), nullptr, hash_of(alg), nullptr, pair_->key.get()) == 1);
  require(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
  std::string signature(size, '\0');
  auto* into = reinterpret_cast<unsigned char*>(signature.data());
  require(EVP_DigestSign(context.get(), into, &size, bytes, text.size()) == 1);
  signature.resize(size);
  if (pair_->curve != nullptr) signature = to_jose(signature, pair_->width);
  return text + "." + base64url(signature);
}

std::string jwk_set(const std::string& keys) {
  return "{\"keys\":[" + keys + "]}";
}

std::string token_header(std::string_view alg, std::string_view kid) {
  return "{\"alg\":\"" + std::string(alg) + "\",\"kid\":\"" + std::string(kid) + "\"}";
}

}  // namespace nexus::test
