#include "actors/networking.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <chrono>
#include <memory>

#include "actors/protocol.hpp"

namespace nexus::actors {
namespace {

using namespace std::chrono_literals;

core::error unusable(const std::string& what, const std::string& file) {
  const char* why = ERR_reason_error_string(ERR_peek_last_error());
  core::error reason{core::errc::bad_config, fmt::format("{} \"{}\" cannot be used: {}", what, file,
                                                         why != nullptr ? why : "unknown error")};
  ERR_clear_error();
  return reason;
}

}  // namespace

core::result<void> check(const tls_files& files) {
  if (!files.any()) return {};
  if (files.ca.empty() || files.certificate.empty() || files.key.empty()) {
    return core::error{core::errc::bad_config,
                       "TLS needs all three: certificates of an authority, a certificate, its key"};
  }
  ERR_clear_error();
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  &SSL_CTX_free);
  if (!context) return unusable("TLS for", files.certificate);
  // An encrypted key must not ask for its passphrase on the terminal.
  SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_load_verify_locations(context.get(), files.ca.c_str(), nullptr) != 1)
    return unusable("the authority's file", files.ca);
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1)
    return unusable("the certificate", files.certificate);
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return unusable("the key", files.key);
  return {};
}

caf::actor_system_config& networking(caf::actor_system_config& config, const tls_files& files) {
  config.load<caf::io::middleman>();
  // Who sends nothing, not even heartbeats, for the second time is taken as gone. It is long,
  // because a large message counts when its last byte has come.
  config.set("middleman.heartbeat-interval", caf::timespan(5s));
  config.set("middleman.connection-timeout", caf::timespan(10min));
  config.add_message_type<delivery>("nexus delivery");
  config.add_message_type<outcome_list>("nexus outcome_list");
  config.add_message_type<std::vector<std::string>>("nexus id_list");
  config.add_message_type<std::vector<bool>>("nexus bool_list");
  if (files.any()) {
    config.openssl_cafile = files.ca;
    config.openssl_certificate = files.certificate;
    config.openssl_key = files.key;
    config.load<caf::openssl::manager>();
  }
  return config;
}

}  // namespace nexus::actors
