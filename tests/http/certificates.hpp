// Certificates for tests: authorities, and what they have signed, as PEM files.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace nexus::test {

struct certificate_options {
  long begins_in_seconds = -60;
  long ends_in_seconds = 3600;
  std::string passphrase = {};  ///< of the key's file; empty: none
  bool rsa = false;        ///< else the key is one of an elliptic curve
};

/// A key and its certificate, signed by itself or by another one.
class certificate {
 public:
  /// An authority.
  explicit certificate(const std::string& name) : certificate(name, nullptr, {}) {}
  /// `name` is its common name; for 127.0.0.1, and for clients as well.
  certificate(const std::string& name, const certificate& signed_by,
              const certificate_options& how = {})
      : certificate(name, &signed_by, how) {}

  /// Writes the two files.
  void write(const std::string& cert_file, const std::string& key_file) const;

 private:
  certificate(const std::string& name, const certificate* signed_by,
              const certificate_options& how);

  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> cert_;
  std::string passphrase_;
};

}  // namespace nexus::test
