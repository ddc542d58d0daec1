// A directory of certificates, and servers that use them.
#pragma once

#include <string>

#include "tests/http/certificates.hpp"
#include "tests/http/server_fixture.hpp"
#include "tests/http/tls_client.hpp"
#include "tests/support/temp_dir.hpp"

namespace nexus::test {

/// In `dir`: ca (an authority), server and client (signed by it), stranger (signed by another one),
/// each as NAME.pem and NAME.key.
struct tls_files {
  tls_files() {
    write("ca", ca);
    write("server", certificate("server", ca));
    write("client", certificate("client", ca));
    write("stranger", certificate("stranger", certificate("another")));
  }
  void write(const std::string& name, const certificate& what) const {
    what.write(cert(name), key(name));
  }
  std::string cert(const std::string& name) const { return dir / (name + ".pem"); }
  std::string key(const std::string& name) const { return dir / (name + ".key"); }

  http::tls_options server_options(
      http::tls_client_auth clients = http::tls_client_auth::none) const {
    return {cert("server"), key("server"), cert("ca"), clients};
  }
  tls_client_options client_options(const std::string& name = "") const {
    tls_client_options how;
    how.ca_file = cert("ca");
    if (name.empty()) return how;
    how.cert_file = cert(name);
    how.key_file = key(name);
    return how;
  }

  temp_dir dir;
  certificate ca{"authority"};
};

struct tls_server : running_server {
  tls_server(const http::tls_options& tls, http::server_options options = {},
             core::logger_ptr log = core::make_null_logger())
      : running_server((options.tls = tls, options), std::move(log)) {}

  /// Whether a client with these options gets an answer.
  bool serves(const tls_client_options& how) const {
    tls_client client(server->port(), how);
    const auto answer = client.request("GET", "/x");
    return answer && answer->status == 200;
  }
};

}  // namespace nexus::test
