// X.509 certificates: what must be known of those that the configuration names, and one for a home
// that has none. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "config/secret.hpp"
#include "core/result.hpp"

namespace nexus::config {

/// A certificate that its own key has signed, and that key, both as PEM.
struct self_signed {
  std::string certificate;
  secret key;
};

/// Draws a key (EC, P-256) and makes a certificate of it for localhost, 127.0.0.1, ::1 and
/// `host_name` (left out where it is no DNS name), valid for ten years. Error `unsupported`: what
/// OpenSSL says.
core::result<self_signed> make_self_signed(const std::string& host_name);

/// What a file of certificates says; the first one counts.
struct certificate {
  /// `sha256//` and the Base64 of the hash of its public key: whoever holds the private key has
  /// it, whatever his name and address are.
  std::string public_key_pin;
  bool expired = false;
};

/// Error `bad_config`: there is no certificate in `pem`.
core::result<certificate> read_certificate(std::string_view pem);

/// Whether the private key in `key_pem` belongs to the first certificate in `certificate_pem`.
/// Error `bad_config`: there is no key, it has a passphrase, or it belongs to another certificate.
core::result<void> check_key_of(std::string_view certificate_pem, std::string_view key_pem);

}  // namespace nexus::config
