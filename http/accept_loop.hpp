// Takes connections from the listening socket. Not a public header: it names Asio's types.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "core/log.hpp"
#include "http/listener.hpp"

namespace nexus::http {

/// One connection a turn: however many clients come at once, those who are connected get theirs in
/// between. I/O thread only.
class accept_loop {
 public:
  accept_loop(boost::asio::io_context& context, core::logger_ptr log,
              std::function<void(tcp_socket)> on_accepted, std::function<void()> count_failure);

  /// Where it listens from here on.
  void open(tcp_acceptor acceptor) { acceptor_ = std::move(acceptor); }
  const tcp_acceptor& acceptor() const noexcept { return acceptor_; }
  void start();
  void close();

 private:
  void on_ready(const boost::system::error_code& ec, tcp_socket socket);
  void pause(const boost::system::error_code& reason);

  tcp_acceptor acceptor_;
  boost::asio::steady_timer timer_;
  core::logger_ptr log_;
  std::function<void(tcp_socket)> on_accepted_;
  std::function<void()> count_failure_;
  bool failing_ = false;
};

}  // namespace nexus::http
