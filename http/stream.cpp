#include "http/stream.hpp"

namespace nexus::http {

using boost::system::error_code;

bool stream::secure(const tls_context& with) {
  SSL* connection = ::SSL_new(with.get());
  if (connection == nullptr) return false;
  tls_ = std::make_unique<boost::asio::ssl::stream<tcp_socket&>>(socket_, connection);
  return true;
}

std::size_t stream::read_now(boost::asio::mutable_buffer into, error_code& ec) {
  if (!socket_.non_blocking()) socket_.non_blocking(true, ec);
  return ec ? 0 : socket_.read_some(into, ec);
}

void stream::finish_sending() {
  error_code ignored;  // of a connection that the client has reset: the next read says so
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

void stream::close() {
  error_code ignored;  // the descriptor is gone in any case
  socket_.close(ignored);
}

}  // namespace nexus::http
