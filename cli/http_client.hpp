// A small HTTP/1.1 client for our own server: one connection, one request at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace nexus::cli {

struct http_answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  /// The first header of that name (any case); nothing if there is none.
  std::optional<std::string> header(std::string_view name) const;
};

/// A kept-alive connection; it is opened when a request needs it. For one thread at a time.
class http_client {
 public:
  /// `timeout` bounds each wait for the network, not the whole request.
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
  core::result<void> connect();
  core::result<void> write_all(std::string_view bytes);
  core::result<http_answer> read_answer();
  /// False: the other side closed the connection.
  core::result<bool> read_more();
  core::error broken(std::string_view what, int number) const;
  void disconnect();

  std::string host_;
  std::uint16_t port_;
  std::chrono::seconds timeout_;
  int fd_ = -1;
  std::string buffer_;  ///< received, not consumed
};

}  // namespace nexus::cli
