// An HTTP client for our own server: one connection, one request at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace nexus::cli {

struct http_answer {
  int status = 0;
  std::string body;
};

/// How a server that speaks TLS is known, and what it is shown if it asks.
struct client_tls {
  /// As config::certificate has it. Whoever has the key is the server: the certificate's name,
  /// issuer and age do not matter.
  std::string public_key_pin;
  std::string cert_file;  ///< PEM; empty: none
  std::string key_file;   ///< PEM
};

/// A kept-alive connection; it is opened when a request needs it. For one thread at a time.
class http_client {
 public:
  /// `timeout` bounds each request. Without `tls` it speaks plain HTTP.
  http_client(std::string host, std::uint16_t port,
              std::chrono::seconds timeout = std::chrono::seconds{30},
              std::optional<client_tls> tls = std::nullopt);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  struct request {
    std::string method = "GET";
    std::string target;
    std::string token;  ///< sent as `Authorization: Bearer`, unless empty
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
  };

  /// Sends the request once and waits for the answer; never repeats it. Error `unreachable`: nobody
  /// listens, or somebody with another key, the connection broke before the whole answer was there
  /// (the request may have been carried out), or the wait was too long.
  core::result<http_answer> send(const request& what);

 private:
  struct connection;
  std::unique_ptr<connection> connection_;
  std::string authority_;  ///< host:port
  std::chrono::seconds timeout_;
  std::optional<client_tls> tls_;
};

}  // namespace nexus::cli
