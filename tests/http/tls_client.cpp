#include "tests/http/tls_client.hpp"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

namespace nexus::test {
namespace {

std::shared_ptr<SSL_CTX> make_context(const tls_client_options& how) {
  std::shared_ptr<SSL_CTX> made(::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free);
  SSL_CTX* context = made.get();
  ::SSL_CTX_set_min_proto_version(context, how.min_version);
  ::SSL_CTX_set_max_proto_version(context, how.max_version);
  // Old versions are not allowed otherwise, and it is the server that must refuse them.
  ::SSL_CTX_set_security_level(context, 0);
  bool fine = true;
  if (!how.cert_file.empty()) {
    fine = ::SSL_CTX_use_certificate_chain_file(context, how.cert_file.c_str()) == 1 &&
           ::SSL_CTX_use_PrivateKey_file(context, how.key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  }
  if (fine && !how.ca_file.empty()) {
    fine = ::SSL_CTX_load_verify_locations(context, how.ca_file.c_str(), nullptr) == 1;
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  if (fine && !how.protocols.empty()) {
    fine = ::SSL_CTX_set_alpn_protos(context,
                                     reinterpret_cast<const unsigned char*>(how.protocols.data()),
                                     static_cast<unsigned>(how.protocols.size())) == 0;
  }
  if (!fine) throw std::runtime_error("the test's own TLS files are not usable");
  return made;
}

}  // namespace

tls_client::tls_client(std::uint16_t port, const tls_client_options& how)
    : http_client(port), context_(make_context(how)), tls_(::SSL_new(context_.get()), ::SSL_free) {
  ::SSL_set_fd(tls_.get(), socket());
  if (how.session) ::SSL_set_session(tls_.get(), how.session.get());
  ::ERR_clear_error();
  ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  open_ = ::SSL_connect(tls_.get()) == 1;
}

bool tls_client::send(std::string_view bytes) {
  while (open_ && !bytes.empty()) {
    ::ERR_clear_error();
    const auto count = std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max());
    const int sent = ::SSL_write(tls_.get(), bytes.data(), static_cast<int>(count));
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return open_;
}

std::ptrdiff_t tls_client::receive_some(char* into, std::size_t count) {
  if (!open_) return -1;
  ::ERR_clear_error();
  const int got = ::SSL_read(tls_.get(), into, static_cast<int>(count));
  if (got > 0) return got;
  return ::SSL_get_error(tls_.get(), got) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

std::string tls_client::server_name() const {
  std::array<char, 256> name{};
  const X509* certificate = ::SSL_get0_peer_certificate(tls_.get());
  if (certificate == nullptr) return "";
  ::X509_NAME_get_text_by_NID(::X509_get_subject_name(certificate), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
  return name.data();
}

std::string tls_client::protocol() const {
  const unsigned char* name = nullptr;
  unsigned bytes = 0;
  ::SSL_get0_alpn_selected(tls_.get(), &name, &bytes);
  return {reinterpret_cast<const char*>(name), bytes};
}

std::shared_ptr<SSL_SESSION> tls_client::session() const {
  return {::SSL_get1_session(tls_.get()), ::SSL_SESSION_free};
}

bool tls_client::renegotiate() {
  ::ERR_clear_error();
  return ::SSL_renegotiate(tls_.get()) == 1 && ::SSL_do_handshake(tls_.get()) == 1;
}

}  // namespace nexus::test
