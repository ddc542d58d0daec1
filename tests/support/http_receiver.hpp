// A process that receives HTTP requests and does what each of them asks for: receiver.py says how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace nexus::test {

struct received_request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::size_t header_count = 0;                ///< with those that came twice
  std::string body;
  std::vector<std::size_t> signed_with;  ///< indices into options::secrets
  std::int64_t connection = 0;           ///< the client's port
};

struct received {
  std::vector<received_request> requests;  ///< in the order of their arrival
  std::size_t together = 0;                ///< the most that were there at the same time
};

/// Runs until it is destroyed. Throws where it cannot be started.
class http_receiver {
 public:
  struct options {
    std::uint16_t port = 0;  ///< 0: the kernel's choice
    std::vector<std::string> secrets = {};
    std::string tls;  ///< a directory: server.pem and other.pem are made in it
    bool wants_client_certificate = false;
  };

  http_receiver() : http_receiver(options()) {}
  explicit http_receiver(const options& how);
  ~http_receiver();
  http_receiver(const http_receiver&) = delete;
  http_receiver& operator=(const http_receiver&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  /// http://127.0.0.1:port, or https://…
  const std::string& url() const noexcept { return url_; }
  /// A URL for which the receiver does `words`.
  std::string url_to(const std::string& words) const { return url_ + "/do/" + words; }

  /// What has come since the last call.
  received take();

 private:
  std::string read_line();

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  std::string unread_;
  std::uint16_t port_ = 0;
  std::string url_;
};

}  // namespace nexus::test
