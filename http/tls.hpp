// What a TLS connection is made with. Not a public header.
#pragma once

#include "core/log.hpp"
#include "core/result.hpp"
#include "http/server.hpp"

namespace nexus::http {

/// Reads the files. Certificates that are not valid at this time are logged as warnings: clients
/// will say so as well. Error: `bad_config`, naming the file and what is wrong with it.
///
/// TLS without renegotiation, compression and early data; HTTP/1.1 alone is agreed upon (ALPN).
/// Sessions are resumed with tickets that the server does not remember; not where clients show
/// certificates, because a resumed session would outlive the certificate.
core::result<tls_context> make_tls_context(const tls_options& options, core::logger& log);

}  // namespace nexus::http
