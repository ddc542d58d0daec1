// Takes connections from the listening socket. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "core/log.hpp"
#include "http/listener.hpp"

namespace nexus::http {

/// A connection that has just come. Unless somebody takes it, it is reset when this goes: the
/// client learns that at once, and neither side remembers the connection afterwards.
class arrival {
 public:
  using endpoint = boost::asio::ip::tcp::endpoint;

  /// Owns `fd` from here on.
  arrival(int fd, const endpoint& peer) : fd_(fd), peer_(peer) {}
  arrival(const arrival&) = delete;
  arrival& operator=(const arrival&) = delete;
  ~arrival();

  const endpoint& peer() const noexcept { return peer_; }
  bool is_taken() const noexcept { return fd_ < 0; }
  /// As a socket of `context`; where that fails, `ec` says why.
  tcp_socket take(boost::asio::io_context& context, boost::system::error_code& ec);

 private:
  int fd_;  ///< negative: taken
  endpoint peer_;
};

/// One connection a turn: however many clients come at once, those who are connected get theirs in
/// between. I/O thread only.
class accept_loop {
 public:
  /// Takes the arrival or leaves it. An error is one of this machine (no memory, no descriptors):
  /// then nobody is accepted for a moment.
  using arrival_fn = std::function<boost::system::error_code(arrival&)>;

  accept_loop(boost::asio::io_context& context, core::logger_ptr log, arrival_fn on_arrival,
              std::function<void()> count_failure);

  /// Where it listens from here on; it must not block.
  void open(tcp_acceptor acceptor) { acceptor_ = std::move(acceptor); }
  const tcp_acceptor& acceptor() const noexcept { return acceptor_; }
  void start();
  void close();

 private:
  void on_ready(boost::system::error_code ec);
  boost::system::error_code accept_one();
  void pause(const boost::system::error_code& reason);

  tcp_acceptor acceptor_;
  boost::asio::steady_timer timer_;
  core::logger_ptr log_;
  arrival_fn on_arrival_;
  std::function<void()> count_failure_;
  bool failing_ = false;
  unsigned left_ = 0;  ///< arrivals that nobody took, since the last yield
};

}  // namespace nexus::http
