#include "http/accept_loop.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace nexus::http {

using boost::system::error_code;

namespace {

/// Accepting fails for lack of descriptors or memory: trying again at once would spin.
constexpr std::chrono::milliseconds pause_length{50};

/// In a storm of connections the I/O thread would never sleep, and keep its processor for all of
/// its slice, while the threads that write to the log wait for one. So it yields after so many that
/// it has turned away; not after each, because beside busy threads a yield may take milliseconds.
constexpr unsigned left_per_yield = 8;

/// Of a connection that was gone before it could be accepted, or could not come about. See
/// accept(2).
bool is_of_connection(int error) {
  switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
    case EOPNOTSUPP:
    case EPERM:  // a firewall's rule
      return true;
    default:
      return false;
  }
}

}  // namespace

arrival::~arrival() {
  if (is_taken()) return;
  const linger none{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::close(fd_);
}

tcp_socket arrival::take(boost::asio::io_context& context, error_code& ec) {
  tcp_socket taken(context.get_executor());
  taken.assign(peer_.protocol(), fd_, ec);
  if (!ec) fd_ = -1;
  return taken;
}

accept_loop::accept_loop(boost::asio::io_context& context, core::logger_ptr log,
                         arrival_fn on_arrival, std::function<void()> count_failure)
    : acceptor_(context.get_executor()),
      timer_(context),
      log_(std::move(log)),
      on_arrival_(std::move(on_arrival)),
      count_failure_(std::move(count_failure)) {}

void accept_loop::start() {
  acceptor_.async_wait(tcp_acceptor::wait_read, [this](error_code ec) { on_ready(ec); });
}

void accept_loop::on_ready(error_code ec) {
  if (!acceptor_.is_open()) return;
  if (!ec) ec = accept_one();
  if (ec) return pause(ec);
  start();
  if (left_ < left_per_yield) return;
  left_ = 0;
  ::sched_yield();
}

/// By itself, because Asio would first make each a socket of its own, and most of a storm is turned
/// away.
error_code accept_loop::accept_one() {
  arrival::endpoint peer;
  auto length = static_cast<socklen_t>(peer.capacity());
  const int fd = ::accept4(acceptor_.native_handle(), peer.data(), &length, SOCK_CLOEXEC);
  if (fd < 0)
    return is_of_connection(errno) ? error_code()
                                   : error_code(errno, boost::system::system_category());
  peer.resize(length);
  arrival come(fd, peer);
  const auto trouble = on_arrival_(come);
  if (trouble) return trouble;
  failing_ = false;
  if (!come.is_taken()) ++left_;
  return {};
}

void accept_loop::pause(const error_code& reason) {
  count_failure_();
  if (!std::exchange(failing_, true)) {
    log_->warn(fmt::format(
        "cannot accept HTTP connections: {}; they wait until that is over (raise the limit of "
        "open files, or lower the number of connections)",
        reason.message()));
  }
  timer_.expires_after(pause_length);
  timer_.async_wait([this](error_code ec) {
    if (!ec && acceptor_.is_open()) start();
  });
}

void accept_loop::close() {
  error_code ignored;  // the descriptor is gone in any case
  acceptor_.close(ignored);
  timer_.cancel();
}

}  // namespace nexus::http
