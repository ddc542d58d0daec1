#include "config/certificate.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sodium.h>

#include <algorithm>
#include <memory>

#include "core/base64.hpp"

namespace nexus::config {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_vfree>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;

constexpr int valid_days = 3650;
constexpr int serial_bits = 127;
/// Clocks differ: a client must not find that it is not valid yet.
constexpr int begins_days_ago = 1;

/// OpenSSL's own words, which hold neither keys nor what stands in files.
core::error failure(core::errc code, const std::string& what) {
  const unsigned long number = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(number);
  ERR_clear_error();
  return {code, what + (reason == nullptr ? "" : ": " + std::string(reason))};
}

bio_ptr reader_of(std::string_view text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_in(BIO* from) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(from, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

certificate_ptr parse(std::string_view pem) {
  const bio_ptr from = reader_of(pem);
  return certificate_ptr(PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr));
}

/// OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 0;
}

/// Whether it can stand in a certificate; what has a comma, for example, could add other names.
bool is_dns_name(const std::string& name) {
  constexpr std::size_t longest = 253;
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
  return !name.empty() && name.size() <= longest && name.front() != '.' && name.front() != '-' &&
         name.find_first_not_of(letters) == std::string::npos;
}

bool add_extension(X509* to, int kind, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
  const extension_ptr made(X509V3_EXT_conf_nid(nullptr, &context, kind, text.c_str()));
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

bool add_serial(X509* to) {
  const number_ptr serial(BN_new());
  return serial && BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(to)) != nullptr;
}

bool add_name(X509* to, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(to);
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes,
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(to, subject) == 1;
}

bool fill_in(X509* to, EVP_PKEY* key, const std::string& host_name) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (is_dns_name(host_name) && host_name != "localhost") names += ",DNS:" + host_name;
  return X509_set_version(to, 2) == 1 && add_serial(to) && add_name(to, "Nexus") &&
         X509_time_adj_ex(X509_getm_notBefore(to), -begins_days_ago, 0, nullptr) != nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(to), valid_days, 0, nullptr) != nullptr &&
         X509_set_pubkey(to, key) == 1 &&
         add_extension(to, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(to, NID_key_usage, "critical,digitalSignature") &&
         add_extension(to, NID_ext_key_usage, "serverAuth") &&
         add_extension(to, NID_subject_key_identifier, "hash") &&
         add_extension(to, NID_subject_alt_name, names) && X509_sign(to, key, EVP_sha256()) != 0;
}

}  // namespace

core::result<self_signed> make_self_signed(const std::string& host_name) {
  const key_ptr key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const certificate_ptr made(X509_new());
  const bio_ptr text(BIO_new(BIO_s_mem()));
  const bio_ptr key_text(BIO_new(BIO_s_mem()));
  const bool done = key && made && text && key_text && fill_in(made.get(), key.get(), host_name) &&
                    PEM_write_bio_X509(text.get(), made.get()) == 1 &&
                    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1;
  if (!done) return failure(core::errc::unsupported, "cannot make a certificate");
  return self_signed{text_in(text.get()), secret(text_in(key_text.get()))};
}

core::result<certificate> read_certificate(std::string_view pem) {
  const certificate_ptr found = parse(pem);
  if (!found) return failure(core::errc::bad_config, "there is no PEM certificate in it");
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(found.get()), &der);
  if (size <= 0) return failure(core::errc::bad_config, "its certificate has no public key");
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, der, static_cast<unsigned long long>(size));
  OPENSSL_free(der);
  certificate out;
  out.public_key_pin = "sha256//";
  core::append_base64(out.public_key_pin, {reinterpret_cast<const char*>(hash), sizeof hash});
  out.expired = X509_cmp_current_time(X509_get0_notAfter(found.get())) < 0;
  return out;
}

core::result<void> check_key_of(std::string_view certificate_pem, std::string_view key_pem) {
  const certificate_ptr of = parse(certificate_pem);
  if (!of) return failure(core::errc::bad_config, "there is no PEM certificate in it");
  bool asked = false;
  const bio_ptr from = reader_of(key_pem);
  const key_ptr key(PEM_read_bio_PrivateKey(from.get(), nullptr, &no_passphrase, &asked));
  if (!key && asked) {
    ERR_clear_error();
    return core::error{core::errc::bad_config,
                       "its key has a passphrase, and nobody is there to type it; `openssl pkey` "
                       "writes one without"};
  }
  if (!key) return failure(core::errc::bad_config, "there is no PEM private key in it");
  if (X509_check_private_key(of.get(), key.get()) == 1) return {};
  ERR_clear_error();
  return core::error{core::errc::bad_config, "it is not the key of the certificate in cert_file"};
}

}  // namespace nexus::config
