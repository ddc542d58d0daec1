#include "http/server.hpp"

#include <pthread.h>

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "http/accept_loop.hpp"
#include "http/listener.hpp"
#include "http/response_text.hpp"
#include "http/session_io.hpp"
#include "http/tls.hpp"

namespace nexus::http {
namespace {

namespace net = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

/// Connections above the limit that are told so; those above that are reset without a word.
constexpr std::size_t turned_away_max = 64;
/// All reasons for which the counter exists: its labels are bounded.
constexpr std::string_view refusal_codes[] = {
    "bad_request",          "headers_too_large",     "uri_too_long",
    "request_timeout",      "expectation_failed",    "too_many_connections",
    "overloaded",           "accept_failed",         "tls_required",
    "tls_handshake_failed", "tls_handshake_timeout",
};

milliseconds tick_of(const server_options& o) {
  milliseconds shortest = std::min(
      {o.header_timeout, o.body_timeout, o.write_timeout, o.idle_timeout, o.linger_timeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(200));
}

net::ip::address unmapped(const net::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6());
}

refusal refusal_of(connection_count::verdict verdict) {
  if (verdict == connection_count::verdict::full)
    return {503, "too_many_connections", "all connections are in use; retry later",
            retry_after_seconds};
  return {429, "too_many_connections",
          "this address has all the connections that one may have; close some, or use them again",
          retry_after_seconds};
}

class asio_server final : public server {
 public:
  asio_server(server_options options, handler& door, core::logger_ptr log, core::metrics& metrics);
  ~asio_server() override;

  core::result<void> listen();
  std::uint16_t port() const override { return port_; }
  std::size_t drain(milliseconds budget) override;
  core::result<tls_context> load_tls(const tls_options& from) const override;
  void use_tls(tls_context with) override;

 private:
  void run();
  error_code add_session(arrival& come);
  tls_context tls() const;
  void tick();
  void deliver();
  void begin_drain(milliseconds budget, std::promise<std::size_t>& cut);
  void end_drain();
  void shut();
  /// See session::end_soon.
  void end_sessions_soon();
  std::vector<session_ptr> all_sessions() const;

  // The I/O thread owns everything below but the context of TLS, the thread itself and the
  // promise's other end.
  net::io_context context_{1};
  net::executor_work_guard<net::io_context::executor_type> work_;
  accept_loop accepting_;
  net::steady_timer tick_timer_;
  net::steady_timer drain_timer_;
  milliseconds tick_;
  core::logger_ptr log_;
  core::gauge& connections_;
  core::gauge& body_bytes_;
  std::map<std::string_view, core::counter*> refused_;
  session_host host_;
  std::uint64_t next_session_ = 1;
  mutable std::mutex tls_mutex_;
  tls_context tls_;                           ///< of the connections to come; null: in the clear
  std::promise<std::size_t>* cut_ = nullptr;  ///< set while draining
  std::uint16_t port_ = 0;
  std::thread thread_;
};

asio_server::asio_server(server_options options, handler& door, core::logger_ptr log,
                         core::metrics& metrics)
    : work_(context_.get_executor()),
      accepting_(
          context_, log, [this](arrival& come) { return add_session(come); },
          [this] { host_.count_refused("accept_failed"); }),
      tick_timer_(context_),
      drain_timer_(context_),
      tick_(tick_of(options)),
      log_(log),
      connections_(metrics.get_gauge("nexus_http_connections", "Open HTTP connections.")),
      body_bytes_(metrics.get_gauge("nexus_http_body_bytes",
                                    "Memory of large bodies that are read or not yet answered.")),
      host_(context_, std::move(options), door, log) {
  for (std::string_view code : refusal_codes) {
    refused_[code] = &metrics.get_counter(
        "nexus_http_refused_total", "Requests and connections that the HTTP server turned away.",
        {{"reason", std::string(code)}});
  }
  host_.answers =
      std::make_shared<answer_queue>([this] { net::post(context_, [this] { deliver(); }); });
  host_.on_quiet = [this] {
    // Later, because a session is in the middle of its work.
    if (cut_) net::post(context_, [this] { end_drain(); });
  };
  host_.count_refused = [this](std::string_view code) { refused_.at(code)->add(); };
  host_.count_sessions = [this] { connections_.set(static_cast<double>(host_.sessions.size())); };
  host_.count_bodies = [this] { body_bytes_.set(static_cast<double>(host_.bodies.taken())); };
}

asio_server::~asio_server() {
  if (thread_.joinable()) {
    net::post(context_, [this] { shut(); });
    thread_.join();
  }
  host_.heavy.stop();
}

core::result<void> asio_server::listen() {
  if (const auto& with = host_.options.tls) {
    auto made = make_tls_context(*with, *log_);
    if (!made) return std::move(made).reason();
    tls_ = std::move(*made);
  }
  auto opened = open_listener(context_, host_.options.bind, host_.options.port);
  if (!opened.ok()) return opened.reason();
  accepting_.open(std::move(*opened));
  error_code ec;
  auto where = accepting_.acceptor().local_endpoint(ec);
  if (ec)
    return core::error{core::errc::io_failed, "cannot tell the listening port: " + ec.message()};
  port_ = where.port();
  thread_ = std::thread([this] { run(); });
  return {};
}

core::result<tls_context> asio_server::load_tls(const tls_options& from) const {
  if (!tls())
    return core::error{core::errc::unsupported,
                       "the server was started without TLS, and needs a new start to have it"};
  return make_tls_context(from, *log_);
}

void asio_server::use_tls(tls_context with) {
  {
    const std::lock_guard lock(tls_mutex_);
    tls_.swap(with);  // the last one of its kind goes without the mutex
  }
  net::post(context_, [this] { end_sessions_soon(); });
}

tls_context asio_server::tls() const {
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

void asio_server::run() {
  ::pthread_setname_np(::pthread_self(), "http");
  tick();
  accepting_.start();
  context_.run();
}

error_code asio_server::add_session(arrival& come) {
  const auto address = unmapped(come.peer().address());
  auto client = connection_count::client_of(address);
  const auto verdict = host_.count.enter(client);
  auto with = tls();
  const bool admitted = verdict == connection_count::verdict::admitted;
  // Those with TLS could only be told after a handshake, and that is dear.
  if (!admitted && (with || host_.turned_away >= turned_away_max)) {
    host_.count_refused("too_many_connections");
    return {};
  }
  error_code ec;
  auto socket = come.take(context_, ec);
  if (ec) {
    if (admitted) host_.count.leave(client);
    return ec;
  }
  std::uint64_t id = next_session_++;
  session_ptr added(
      new session(host_, id, std::move(socket), address.to_string(), std::move(client)));
  host_.sessions.emplace(id, added);
  host_.count_sessions();
  admitted ? added->start(with) : added->turn_away(refusal_of(verdict));
  return {};
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
  for (answer& each : host_.answers->take()) {
    auto found = host_.sessions.find(each.session);
    if (found == host_.sessions.end()) continue;  // it was cut off
    session_ptr target = found->second;
    target->answer(std::move(each.content));
  }
}

std::size_t asio_server::drain(milliseconds budget) {
  if (!thread_.joinable()) return 0;
  std::promise<std::size_t> cut;
  net::post(context_, [&] { begin_drain(budget, cut); });
  std::size_t count = cut.get_future().get();
  thread_.join();
  host_.heavy.stop();
  return count;
}

void asio_server::begin_drain(milliseconds budget, std::promise<std::size_t>& cut) {
  cut_ = &cut;
  accepting_.close();
  end_sessions_soon();
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
  host_.heavy.close();
  accepting_.close();
  for (const auto& each : all_sessions()) each->close();
  host_.reads.clear();
  tick_timer_.cancel();
  drain_timer_.cancel();
  work_.reset();
}

void asio_server::end_sessions_soon() {
  for (const auto& each : all_sessions()) each->end_soon();
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
