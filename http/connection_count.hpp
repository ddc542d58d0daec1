// Who holds how many connections. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <cstddef>
#include <string>
#include <unordered_map>

namespace nexus::http {

/// Limits the connections, of all clients and of one. It remembers only those who are connected. An
/// IPv6 client has a network of addresses to itself, so the first 64 bits count as one.
class connection_count {
 public:
  enum class verdict {
    admitted,  ///< counted, until leave()
    full,      ///< all connections are taken
    crowded    ///< this client has all that it may have
  };

  connection_count(std::size_t max, std::size_t per_client_max)
      : max_(max), per_client_max_(per_client_max) {}

  /// What stands for the client's address.
  static std::string client_of(const boost::asio::ip::address& address);

  verdict enter(const std::string& client);
  void leave(const std::string& client);

  std::size_t connections() const noexcept { return connections_; }
  std::size_t clients() const noexcept { return by_client_.size(); }

 private:
  std::size_t max_;
  std::size_t per_client_max_;
  std::size_t connections_ = 0;
  std::unordered_map<std::string, std::size_t> by_client_;  ///< none is 0
};

}  // namespace nexus::http
