// An HTTP client for our own server: one connection, one request at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace nexus::cli {

struct http_answer {
  int status = 0;
  std::string body;
};

/// A kept-alive connection; it is opened when a request needs it. For one thread at a time.
class http_client {
 public:
  /// `timeout` bounds each request.
  http_client(std::string host, std::uint16_t port,
              std::chrono::seconds timeout = std::chrono::seconds{30});
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
  /// listens, the connection broke before the whole answer was there (the request may have been
  /// carried out), or the wait was too long.
  core::result<http_answer> send(const request& what);

 private:
  struct connection;
  std::unique_ptr<connection> connection_;
  std::string authority_;  ///< host:port
  std::chrono::seconds timeout_;
};

}  // namespace nexus::cli
