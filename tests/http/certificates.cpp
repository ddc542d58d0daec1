#include "tests/http/certificates.hpp"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <stdexcept>

namespace nexus::test {
namespace {

void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(what);
}

void add_extension(X509* to, const X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(issuer), to, nullptr, nullptr, 0);
  X509_EXTENSION* made = ::X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  must(made != nullptr && ::X509_add_ext(to, made, -1) == 1, value);
  ::X509_EXTENSION_free(made);
}

using file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

file open_file(const std::string& path) {
  file opened(std::fopen(path.c_str(), "we"), std::fclose);
  must(opened != nullptr, path.c_str());
  return opened;
}

}  // namespace

certificate::certificate(const std::string& name, const certificate* signed_by,
                         const certificate_options& how)
    : key_(how.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"), ::EVP_PKEY_free),
      cert_(::X509_new(), ::X509_free),
      passphrase_(how.passphrase) {
  static long serial = 0;
  must(key_ && cert_, "no memory for a certificate");
  X509* cert = cert_.get();
  const X509* issuer = signed_by != nullptr ? signed_by->cert_.get() : cert;
  ::X509_set_version(cert, X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(cert), ++serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(cert), how.begins_in_seconds);
  ::X509_gmtime_adj(::X509_getm_notAfter(cert), how.ends_in_seconds);
  ::X509_set_pubkey(cert, key_.get());
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  ::X509_set_issuer_name(cert, ::X509_get_subject_name(issuer));
  add_extension(cert, issuer, NID_basic_constraints,
                signed_by != nullptr ? "CA:FALSE" : "critical,CA:TRUE");
  add_extension(cert, issuer, NID_subject_alt_name, "IP:127.0.0.1");
  EVP_PKEY* signing = signed_by != nullptr ? signed_by->key_.get() : key_.get();
  must(::X509_sign(cert, signing, ::EVP_sha256()) > 0, "cannot sign a certificate");
}

void certificate::write(const std::string& cert_file, const std::string& key_file) const {
  must(::PEM_write_X509(open_file(cert_file).get(), cert_.get()) == 1,
       "cannot write a certificate");
  const bool secret = !passphrase_.empty();
  must(::PEM_write_PKCS8PrivateKey(open_file(key_file).get(), key_.get(),
                                   secret ? ::EVP_aes_256_cbc() : nullptr,
                                   secret ? passphrase_.c_str() : nullptr,
                                   static_cast<int>(passphrase_.size()), nullptr, nullptr) == 1,
       "cannot write a key");
}

}  // namespace nexus::test
