// Servers that only read requests and answer them: what HTTP itself costs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace nexus::bench {

/// A process of its own; gone with this object.
class bare_server {
 public:
  /// An epoll loop that looks for the end of a request and answers with constant bytes.
  static bare_server epoll_loop();
  /// The product's server (http::server) in front of a handler that answers at once.
  static bare_server http_server();

  bare_server(bare_server&& other) noexcept;
  bare_server& operator=(bare_server&&) = delete;
  ~bare_server();

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

 private:
  /// `serve` runs in the child, tells its port, and does not return.
  explicit bare_server(const std::function<void(std::function<void(std::uint16_t)>)>& serve);

  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace nexus::bench
