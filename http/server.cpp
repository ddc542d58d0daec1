#include "http/server.hpp"

#include <pthread.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <future>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "http/listener.hpp"
#include "http/response_text.hpp"
#include "http/session.hpp"

namespace nexus::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Connections above the limit that are told so; those above that are closed without a word.
constexpr std::size_t turned_away_max = 64;
/// Accepting fails for lack of descriptors or memory: trying again at once would spin.
constexpr milliseconds accept_pause{50};

/// All reasons for which the counter exists: its labels are bounded.
constexpr std::string_view refusal_codes[] = {
    "bad_request",        "headers_too_large",    "uri_too_long",  "request_timeout",
    "expectation_failed", "too_many_connections", "accept_failed",
};

milliseconds tick_of(const server_options& o) {
  milliseconds shortest = std::min(
      {o.header_timeout, o.body_timeout, o.write_timeout, o.idle_timeout, o.linger_timeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(200));
}

class asio_server final : public server {
 public:
  asio_server(server_options options, handler& door, core::logger_ptr log, core::metrics& metrics);
  ~asio_server() override;

  core::result<void> listen();
  std::uint16_t port() const override { return port_; }
  std::size_t drain(milliseconds budget) override;
  core::result<void> replace_tls(const tls_options&) override {
    return core::error{core::errc::unsupported, "this server has no TLS"};
  }

 private:
  void run();
  void accept();
  void on_accepted(const error_code& ec, tcp_socket socket);
  void pause_accepting(const error_code& reason);
  void add_session(tcp_socket socket);
  void tick();
  void deliver();
  void begin_drain(milliseconds budget, std::promise<std::size_t>& cut);
  void end_drain();
  void shut();
  std::vector<session_ptr> all_sessions() const;

  // The I/O thread owns everything below but the thread itself and the promise's other end.
  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_;
  tcp_acceptor acceptor_;
  net::steady_timer tick_timer_;
  net::steady_timer accept_timer_;
  net::steady_timer drain_timer_;
  milliseconds tick_;
  core::logger_ptr log_;
  core::gauge& connections_;
  std::map<std::string_view, core::counter*> refused_;
  session_host host_;
  std::uint64_t next_session_ = 1;
  bool accept_failing_ = false;
  std::promise<std::size_t>* cut_ = nullptr;  ///< set while draining
  std::uint16_t port_ = 0;
  std::thread thread_;
};

asio_server::asio_server(server_options options, handler& door, core::logger_ptr log,
                         core::metrics& metrics)
    : work_(context_.get_executor()),
      acceptor_(context_.get_executor()),
      tick_timer_(context_),
      accept_timer_(context_),
      drain_timer_(context_),
      tick_(tick_of(options)),
      log_(std::move(log)),
      connections_(metrics.get_gauge("nexus_http_connections", "Open HTTP connections.")),
      host_(std::move(options), door) {
  for (std::string_view code : refusal_codes) {
    refused_[code] = &metrics.get_counter(
        "nexus_http_refused_total", "Requests and connections that the HTTP server turned away.",
        {{"reason", std::string(code)}});
  }
  host_.answers =
      std::make_shared<answer_queue>([this] { net::post(context_, [this] { deliver(); }); });
  host_.on_quiet = [this] {
    // Later, because a session is in the middle of its work.
    if (host_.draining) net::post(context_, [this] { end_drain(); });
  };
  host_.count_refused = [this](std::string_view code) { refused_.at(code)->add(); };
  host_.count_sessions = [this] { connections_.set(static_cast<double>(host_.sessions.size())); };
}

asio_server::~asio_server() {
  if (!thread_.joinable()) return;
  net::post(context_, [this] { shut(); });
  thread_.join();
}

core::result<void> asio_server::listen() {
  auto opened = open_listener(context_, host_.options.bind, host_.options.port);
  if (!opened.ok()) return opened.reason();
  acceptor_ = std::move(*opened);
  error_code ec;
  auto where = acceptor_.local_endpoint(ec);
  if (ec)
    return core::error{core::errc::io_failed, "cannot tell the listening port: " + ec.message()};
  port_ = where.port();
  thread_ = std::thread([this] { run(); });
  return {};
}

void asio_server::run() {
  ::pthread_setname_np(::pthread_self(), "http");
  tick();
  accept();
  context_.run();
}

void asio_server::accept() {
  acceptor_.async_accept(
      [this](error_code ec, tcp_socket socket) { on_accepted(ec, std::move(socket)); });
}

void asio_server::on_accepted(const error_code& ec, tcp_socket socket) {
  if (!acceptor_.is_open()) return;
  if (ec) return pause_accepting(ec);
  accept_failing_ = false;
  add_session(std::move(socket));
  accept();
}

void asio_server::pause_accepting(const error_code& reason) {
  host_.count_refused("accept_failed");
  if (!std::exchange(accept_failing_, true)) {
    log_->warn(fmt::format(
        "cannot accept HTTP connections: {}; they wait until that is over (raise the limit of "
        "open files, or lower the number of connections)",
        reason.message()));
  }
  accept_timer_.expires_after(accept_pause);
  accept_timer_.async_wait([this](error_code ec) {
    if (!ec && acceptor_.is_open()) accept();
  });
}

void asio_server::add_session(tcp_socket socket) {
  std::size_t limit = host_.options.connections_max;
  bool full = host_.sessions.size() >= limit;
  if (full && host_.sessions.size() - limit >= turned_away_max) {
    host_.count_refused("too_many_connections");
    return;
  }
  std::uint64_t id = next_session_++;
  session_ptr added(new session(host_, id, std::move(socket)));
  host_.sessions.emplace(id, added);
  host_.count_sessions();
  if (full) {
    added->turn_away({503, "too_many_connections", "all connections are in use; retry later"});
  } else {
    added->start();
  }
}

void asio_server::tick() {
  host_.date = http_date(std::time(nullptr));
  auto now = std::chrono::steady_clock::now();
  std::vector<session_ptr> expired;  // apart: they leave the map meanwhile
  for (const auto& [id, each] : host_.sessions) {
    if (each->expired(now)) expired.push_back(each);
  }
  for (const auto& each : expired) each->on_expired();
  tick_timer_.expires_after(tick_);
  tick_timer_.async_wait([this](error_code ec) {
    if (!ec && work_.owns_work()) tick();
  });
}

void asio_server::deliver() {
  for (const answer& each : host_.answers->take()) {
    auto found = host_.sessions.find(each.session);
    if (found == host_.sessions.end()) continue;  // the client has gone, or was cut off
    session_ptr target = found->second;
    target->answer(each.content);
  }
}

std::size_t asio_server::drain(milliseconds budget) {
  if (!thread_.joinable()) return 0;
  std::promise<std::size_t> cut;
  net::post(context_, [&] { begin_drain(budget, cut); });
  std::size_t count = cut.get_future().get();
  thread_.join();
  return count;
}

void asio_server::begin_drain(milliseconds budget, std::promise<std::size_t>& cut) {
  cut_ = &cut;
  host_.draining = true;
  error_code ignored;  // the descriptor is gone in any case
  acceptor_.close(ignored);
  for (const auto& each : all_sessions()) each->close_if_idle();
  if (host_.busy == 0) return end_drain();
  drain_timer_.expires_after(budget);
  drain_timer_.async_wait([this](error_code ec) {
    if (!ec) end_drain();
  });
}

void asio_server::end_drain() {
  if (!cut_) return;
  std::promise<std::size_t>* cut = std::exchange(cut_, nullptr);
  std::size_t count = host_.busy;
  shut();
  cut->set_value(count);
}

/// Leaves the I/O thread nothing to do, so that run() returns.
void asio_server::shut() {
  host_.answers->close();
  error_code ignored;  // the descriptor is gone in any case
  acceptor_.close(ignored);
  for (const auto& each : all_sessions()) each->close();
  tick_timer_.cancel();
  accept_timer_.cancel();
  drain_timer_.cancel();
  work_.reset();
}

std::vector<session_ptr> asio_server::all_sessions() const {
  std::vector<session_ptr> all;
  all.reserve(host_.sessions.size());
  for (const auto& [id, each] : host_.sessions) all.push_back(each);
  return all;
}

}  // namespace

core::result<std::unique_ptr<server>> server::start(server_options options, handler& door,
                                                    core::logger_ptr log, core::metrics& metrics) {
  auto made = std::make_unique<asio_server>(std::move(options), door, log, metrics);
  if (auto listening = made->listen(); !listening.ok()) return std::move(listening).reason();
  log->info(fmt::format("HTTP server listens on port {}", made->port()));
  return std::unique_ptr<server>(std::move(made));
}

}  // namespace nexus::http
