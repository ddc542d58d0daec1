#include "http/accept_loop.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace nexus::http {

using boost::system::error_code;

namespace {

/// Accepting fails for lack of descriptors or memory: trying again at once would spin.
constexpr std::chrono::milliseconds pause_length{50};

}  // namespace

accept_loop::accept_loop(boost::asio::io_context& context, core::logger_ptr log,
                         std::function<void(tcp_socket)> on_accepted,
                         std::function<void()> count_failure)
    : acceptor_(context.get_executor()),
      timer_(context),
      log_(std::move(log)),
      on_accepted_(std::move(on_accepted)),
      count_failure_(std::move(count_failure)) {}

void accept_loop::start() {
  acceptor_.async_accept(
      [this](error_code ec, tcp_socket socket) { on_ready(ec, std::move(socket)); });
}

void accept_loop::on_ready(const error_code& ec, tcp_socket socket) {
  if (!acceptor_.is_open()) return;
  if (ec) return pause(ec);
  failing_ = false;
  on_accepted_(std::move(socket));
  start();
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
