// One TLS connection to an HTTP server on this machine.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/http_client.hpp"

namespace nexus::test {

struct tls_client_options {
  std::string ca_file;    ///< whom to trust; empty: everybody
  std::string cert_file;  ///< empty: the client has none
  std::string key_file;
  int min_version = 0;  ///< as on the wire; 0: whatever OpenSSL can
  int max_version = 0;
  std::string protocols;                 ///< ALPN as on the wire; empty: none are offered
  std::shared_ptr<SSL_SESSION> session;  ///< to resume
};

/// Like http_client. The constructor makes the handshake; afterwards nothing can be sent or
/// received if it failed. An end of the connection is orderly only with TLS's own goodbye.
class tls_client : public http_client {
 public:
  explicit tls_client(std::uint16_t port, const tls_client_options& how = {});

  bool send(std::string_view bytes) override;

  /// Whether the handshake succeeded, as far as the client can tell: with TLS 1.3 the server has
  /// yet to look at the client's certificate.
  bool is_open() const noexcept { return open_; }
  std::string version() const { return ::SSL_get_version(tls_.get()); }
  /// The common name in the server's certificate.
  std::string server_name() const;
  /// What was agreed upon with ALPN.
  std::string protocol() const;
  bool was_resumed() const { return ::SSL_session_reused(tls_.get()) == 1; }
  /// To be resumed by another client; with TLS 1.3 only after something was received.
  std::shared_ptr<SSL_SESSION> session() const;
  /// Asks the server for a new handshake within the connection (TLS 1.2); false: it is refused.
  bool renegotiate();

 protected:
  std::ptrdiff_t receive_some(char* into, std::size_t count) override;

 private:
  std::shared_ptr<SSL_CTX> context_;
  std::shared_ptr<SSL> tls_;
  bool open_ = false;
};

}  // namespace nexus::test
