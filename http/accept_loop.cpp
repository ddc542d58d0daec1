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

}  // namespace

arrival::~arrival() {
  if (fd_ < 0) return;
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
                         std::function<void(arrival&)> on_arrival,
                         std::function<void()> count_failure)
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
  // In a storm of connections this thread would never sleep, and keep its processor for all of its
  // slice, while the threads that write to the log wait for one.
  ::sched_yield();
}

/// By itself, because Asio would first make each a socket of its own, and most of a storm is turned
/// away.
error_code accept_loop::accept_one() {
  arrival::endpoint peer;
  auto length = static_cast<socklen_t>(peer.capacity());
  const int fd = ::accept4(acceptor_.native_handle(), peer.data(), &length, SOCK_CLOEXEC);
  if (fd < 0) {
    const bool has_gone = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
    return has_gone ? error_code() : error_code(errno, boost::system::system_category());
  }
  peer.resize(length);
  failing_ = false;
  arrival come(fd, peer);
  on_arrival_(come);
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
