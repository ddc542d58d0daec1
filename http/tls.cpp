#include "http/tls.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "core/file.hpp"

namespace nexus::http {
namespace {

core::error bad(std::string text) {
  return {core::errc::bad_config, std::move(text)};
}

/// The oldest reason in OpenSSL's queue of this thread; empties the queue.
unsigned long take_reason() {
  const unsigned long reason = ::ERR_get_error();
  ::ERR_clear_error();
  return reason;
}

std::string in_words(unsigned long reason) {
  const char* words = ::ERR_reason_error_string(reason);
  return words != nullptr ? words : "error " + std::to_string(reason);
}

bool is(unsigned long reason, int library, int what) {
  return ERR_GET_LIB(reason) == library && ERR_GET_REASON(reason) == what;
}

/// Why `file`, which is `what`, was not taken.
core::error refused_file(std::string_view what, const std::string& file) {
  const unsigned long reason = take_reason();
  std::string why = in_words(reason) + "; give a PEM file";
  if (is(reason, ERR_LIB_PEM, PEM_R_NO_START_LINE))
    why = "it holds none in PEM form (-----BEGIN …-----)";
  return bad(fmt::format("TLS: {} {}: {}", what, file, why));
}

/// An error that says why a file cannot be read is better than the one of the library.
core::result<void> check_readable(std::string_view what, const std::string& file) {
  if (file.empty()) return bad(fmt::format("TLS needs {}: name its PEM file", what));
  std::array<char, 1> byte{};
  const auto opened = core::posix_files().open_read(file);
  if (!opened) return bad(fmt::format("TLS: {}: {}", what, opened.reason().text));
  if (const auto read = (*opened)->read_at(0, byte); !read)
    return bad(fmt::format("TLS: {}: {}", what, read.reason().text));
  return {};
}

/// Else OpenSSL would ask for it at the terminal.
int no_passphrase(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

/// Agrees upon HTTP/1.1, or ends the handshake with a client that speaks something else only.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  static constexpr std::array<unsigned char, 9> ours{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* found = nullptr;
  const int result = ::SSL_select_next_proto(&found, chosen_bytes, ours.data(), ours.size(),
                                             offered, offered_bytes);
  *chosen = found;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

core::result<void> set_versions(SSL_CTX* context, const tls_options& options) {
  if (options.min_version > options.max_version)
    return bad("TLS: min_version is above max_version");
  if (::SSL_CTX_set_min_proto_version(context, options.min_version) != 1 ||
      ::SSL_CTX_set_max_proto_version(context, options.max_version) != 1)
    return bad("TLS: this build of OpenSSL knows no such version: " + in_words(take_reason()));
  // What the old versions sign with is refused above this level.
  if (options.min_version < TLS1_2_VERSION) ::SSL_CTX_set_security_level(context, 0);
  return {};
}

void warn_about_dates(SSL_CTX* context, const std::string& file, core::logger& log) {
  const X509* certificate = ::SSL_CTX_get0_certificate(context);
  if (::X509_cmp_current_time(::X509_get0_notAfter(certificate)) < 0)
    log.warn("TLS: the certificate in " + file + " has expired: clients will refuse it; renew it");
  if (::X509_cmp_current_time(::X509_get0_notBefore(certificate)) > 0)
    log.warn("TLS: the certificate in " + file + " is not valid yet: clients will refuse it");
}

core::result<void> load_own(SSL_CTX* context, const tls_options& options, core::logger& log) {
  const auto& [cert, key] = std::pair(options.cert_file, options.key_file);
  if (auto fine = check_readable("a certificate", cert); !fine) return fine;
  if (auto fine = check_readable("a private key", key); !fine) return fine;
  if (::SSL_CTX_use_certificate_chain_file(context, cert.c_str()) != 1)
    return refused_file("the certificate", cert);
  bool locked = false;
  ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  ::SSL_CTX_set_default_passwd_cb_userdata(context, &locked);
  const bool taken = ::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  ::SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  if (taken && ::SSL_CTX_check_private_key(context) == 1) {
    warn_about_dates(context, cert, log);
    return {};
  }
  const unsigned long reason = ::ERR_peek_error();
  if (taken || is(reason, ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH)) {
    ::ERR_clear_error();
    return bad(
        fmt::format("TLS: the private key {} does not belong to the certificate {}", key, cert));
  }
  if (locked) {
    ::ERR_clear_error();
    return bad(fmt::format(
        "TLS: the private key {} has a passphrase, which nobody is there to enter; store the key "
        "without one, readable by the user of the server only",
        key));
  }
  return refused_file("the private key", key);
}

core::result<void> load_clients(SSL_CTX* context, const tls_options& options) {
  if (options.clients == tls_client_auth::none) return {};
  const auto& file = options.client_ca_file;
  if (auto fine = check_readable("the authority of the client certificates", file); !fine)
    return fine;
  STACK_OF(X509_NAME)* names = nullptr;
  if (::SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1 ||
      (names = ::SSL_load_client_CA_file(file.c_str())) == nullptr)
    return refused_file("the authority of the client certificates", file);
  ::SSL_CTX_set_client_CA_list(context, names);  // takes them over
  const bool required = options.clients == tls_client_auth::required;
  ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
  ::SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  ::SSL_CTX_set_num_tickets(context, 0);
  return {};
}

}  // namespace

core::result<tls_context> make_tls_context(const tls_options& options, core::logger& log) {
  ::ERR_clear_error();
  tls_context context(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
  if (!context) return bad("TLS: OpenSSL does not start: " + in_words(take_reason()));
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  if (auto set = set_versions(context.get(), options); !set) return set.reason();
  if (auto loaded = load_own(context.get(), options, log); !loaded) return loaded.reason();
  if (auto loaded = load_clients(context.get(), options); !loaded) return loaded.reason();
  return context;
}

}  // namespace nexus::http
