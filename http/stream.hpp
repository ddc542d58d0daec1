// The bytes of one connection, in the clear or through TLS. Not a public header: it names Asio's
// types.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <utility>

#include "http/listener.hpp"
#include "http/tls.hpp"

namespace nexus::http {

/// One class for both kinds, and a branch in each function: a session that is a template on its
/// stream would be compiled twice. At most one read and one write at a time. Handlers are called as
/// `handler(error_code, bytes)`.
class stream {
 public:
  explicit stream(tcp_socket socket) : socket_(std::move(socket)) {}

  /// From here on everything but read_raw() goes through TLS, after handshake(). False: there is no
  /// memory for it.
  bool secure(const tls_context& with);
  bool is_secure() const noexcept { return tls_ && !in_the_clear_; }
  /// The client speaks plainly: what is written from here on goes out as it is.
  void give_up_tls() noexcept { in_the_clear_ = true; }

  /// As the server. `handler(error_code)`.
  template <class Handler>
  void handshake(Handler handler) {
    tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(handler));
  }
  template <class Handler>
  void read(boost::asio::mutable_buffer into, Handler handler) {
    if (is_secure()) return tls_->async_read_some(into, std::move(handler));
    read_raw(into, std::move(handler));
  }
  /// Waits until there is something to read, or the end, for read_now(). Not through TLS.
  /// `handler(error_code)`.
  template <class Handler>
  void wait_readable(Handler handler) {
    socket_.async_wait(tcp_socket::wait_read, std::move(handler));
  }
  /// What is there, without waiting; `would_block` if that is nothing. Not through TLS.
  std::size_t read_now(boost::asio::mutable_buffer into, boost::system::error_code& ec);
  /// What the client sends, not decrypted: for those who drop it.
  template <class Handler>
  void read_raw(boost::asio::mutable_buffer into, Handler handler) {
    socket_.async_read_some(into, std::move(handler));
  }
  /// All of the bytes.
  template <class Handler>
  void write(boost::asio::const_buffer bytes, Handler handler) {
    if (is_secure()) return boost::asio::async_write(*tls_, bytes, std::move(handler));
    boost::asio::async_write(socket_, bytes, std::move(handler));
  }
  /// Tells the client that nothing more will come. `handler(error_code)`, kept while that is under
  /// way, says nothing of interest.
  template <class Handler>
  void finish(Handler handler) {
    if (is_secure()) return tls_->async_shutdown(std::move(handler));
    finish_sending();
  }
  void finish_sending();

  tcp_socket& socket() noexcept { return socket_; }
  /// Cuts off what is under way.
  void close();

 private:
  tcp_socket socket_;
  std::unique_ptr<boost::asio::ssl::stream<tcp_socket&>> tls_;
  bool in_the_clear_ = false;
};

}  // namespace nexus::http
