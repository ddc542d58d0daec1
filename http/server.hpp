// The HTTP/1.1 server: sockets, framing, limits and deadlines. It knows nothing of routes.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "http/message.hpp"

struct ssl_ctx_st;

namespace nexus::http {

/// What connections with TLS are made with: OpenSSL's SSL_CTX, from files that can be used.
using tls_context = std::shared_ptr<ssl_ctx_st>;

/// Whether a client must show a certificate of the client authority.
enum class tls_client_auth {
  none,      ///< it is not asked
  if_given,  ///< it may have none, but no wrong one
  required
};

/// PEM files, and what is asked of clients.
struct tls_options {
  std::string cert_file;       ///< the server's certificate, and those between it and the authority
  std::string key_file;        ///< without a passphrase
  std::string client_ca_file;  ///< whom client certificates must come from
  tls_client_auth clients = tls_client_auth::none;
  int min_version = 0x0303;  ///< as on the wire: 0x0303 is TLS 1.2, 0x0304 TLS 1.3
  int max_version = 0x0304;
};

struct server_options {
  /// An IP address or a host name; empty: all interfaces, IPv6 and IPv4.
  std::string bind = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any free port, see server::port
  /// One more is answered 503 and closed.
  std::size_t connections_max = 4000;
  /// Of one address (IPv6: of one network of 64 bits); one more is answered 429 and closed. With
  /// TLS, and where too many are being answered, those above the limits are reset without a word.
  std::size_t connections_per_address_max = 2000;
  /// Body bytes that have been read of requests that are not answered yet, of all connections. At
  /// the limit bodies wait in the kernel's buffers; one that waits for longer than `body_timeout`
  /// is answered 503 `overloaded`. The one that has waited longest may go beyond the limit, so that
  /// bodies that are half there do not wait for one another. One address (as above) may have half
  /// of it, and one body more. Bodies of up to 16 KiB neither count nor wait: `connections_max`
  /// bounds them.
  std::size_t in_flight_bytes_max = 256 * 1024 * 1024;
  /// A request with a longer body, or with Content-Encoding, or that the handler has called heavy,
  /// is handed to the handler on a thread of its own, so that nobody else waits for it.
  std::size_t inline_body_bytes_max = 32 * 1024;
  std::optional<tls_options> tls = std::nullopt;
  /// From the method to the empty line; 431 beyond.
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t headers_max = 100;            ///< 431 beyond
  std::size_t target_bytes_max = 8 * 1024;  ///< 414 beyond
  /// From the first byte of a request to the end of its header, then 408. Also what a new
  /// connection has until its first byte, and for the TLS handshake.
  std::chrono::milliseconds header_timeout{10'000};
  /// For the body, plus the time that it takes at body_bytes_per_second_min, and for the rest of it
  /// at any time, plus the time that the rest takes; then 408.
  std::chrono::milliseconds body_timeout{10'000};
  std::uint64_t body_bytes_per_second_min = 64 * 1024;
  std::chrono::milliseconds write_timeout{
      60'000};  ///< for a whole answer; then the connection is cut
  std::chrono::milliseconds idle_timeout{
      120'000};  ///< between requests; then the connection is closed silently
  /// How long what a client still sends after its last answer is read and dropped, so that it gets
  /// to see the answer.
  std::chrono::milliseconds linger_timeout{2'000};
};

/// Listens from start() to drain() or destruction; two threads of its own, one for all connections
/// and one for what takes the handler long. Deadlines are checked
/// five times a second (more often if they are shorter than a second).
///
/// Metrics: gauges nexus_http_connections and nexus_http_body_bytes (what counts for
/// in_flight_bytes_max), counter nexus_http_refused_total{reason}: what the server itself answered
/// with an error, by that error's code; accept_failed: connections that the system did not hand
/// over; tls_handshake_failed, tls_handshake_timeout: clients with which there was no TLS.
class server {
 public:
  /// Binds and listens. `door` must outlive the server. Error: `io_failed` naming address and
  /// reason, with what to do; `bad_config` naming the TLS file that is not as it must be.
  static core::result<std::unique_ptr<server>> start(server_options options, handler& door,
                                                     core::logger_ptr log, core::metrics& metrics);
  /// Without a drain() before: closes all connections at once. Answers given afterwards are
  /// dropped.
  virtual ~server() = default;

  /// The port that it listens on. Any thread.
  virtual std::uint16_t port() const = 0;
  /// Reads the files, for use_tls(); nothing changes yet. Errors: `bad_config`, `unsupported` (the
  /// server was started without TLS).
  virtual core::result<tls_context> load_tls(const tls_options& from) const = 0;
  /// Connections that are made from now on see these certificates, which load_tls() of this server
  /// has read. Those that are open end with their next answer, idle ones at once: a client whose
  /// certificate is not taken any more must not go on. Does not fail. Any thread.
  virtual void use_tls(tls_context with) = 0;
  /// Stops accepting, closes idle connections, lets requests in progress end until `budget` is
  /// over, then closes them. Returns the number of requests that it had to cut off. Call it from
  /// another thread than the I/O thread; a second call does nothing and returns 0.
  virtual std::size_t drain(std::chrono::milliseconds budget) = 0;
};

}  // namespace nexus::http
