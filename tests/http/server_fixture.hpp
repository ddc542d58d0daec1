// A running server on a free port, and a handler whose answers a test can hold back.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/log.hpp"
#include "core/metrics.hpp"
#include "http/message.hpp"
#include "http/server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_client.hpp"

namespace nexus::test {

/// What a request gets depends on its path: /hold waits for release(), /drop is never answered,
/// /twice is answered twice, /refuse is turned away at its header, /long answers 100 KB, /large
/// 64 MiB, /block keeps the thread that it is on until unblock(), everything else is told what it
/// has sent.
class test_handler : public http::handler {
 public:
  std::uint64_t body_bytes_max = 1000;
  std::atomic<int> handled = 0;  ///< requests

  http::header_decision on_header(const http::request& request) override {
    http::header_decision decision;
    decision.body_bytes_max = body_bytes_max;
    decision.context = request.path.size();
    io_thread_ = std::this_thread::get_id();
    decision.heavy = request.path == "/heavy";
    if (request.path == "/refuse") decision.refuse = answer(403, "refused");
    return decision;
  }

  void on_request(http::request request, http::respond_fn respond) override {
    ++handled;
    note(request.peer_address);
    if (request.path == "/block") block();
    if (request.path == "/hold") return hold(std::move(respond));
    if (request.path == "/drop") return;
    if (request.path == "/twice") respond(answer(200, "first"));
    if (request.path == "/long") return respond(answer(200, std::string(100'000, 'x')));
    if (request.path == "/large") return respond(answer(200, std::string(64 << 20, 'x')));
    respond(echo(request));
  }

  /// Where the requests so far have come from, in order.
  std::vector<std::string> peers() {
    std::lock_guard lock(mutex_);
    return peers_;
  }
  /// Blocks until that many requests are held.
  void wait_held(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return held_.size() >= count; });
  }
  void unblock() {
    std::lock_guard lock(mutex_);
    blocks_ = false;
    changed_.notify_all();
  }
  /// The respond functions of all held requests, in the order of arrival.
  std::vector<http::respond_fn> take_held() {
    std::lock_guard lock(mutex_);
    return std::exchange(held_, {});
  }

  static http::response answer(int status, std::string body) {
    http::response response;
    response.status = status;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
  }

 private:
  http::response echo(const http::request& request) const {
    auto response =
        answer(request.body_truncated ? 413 : 200,
               request.method + " " + request.path + " " + request.query + "|" + request.body);
    response.headers.emplace_back("X-Context",
                                  std::to_string(std::any_cast<std::size_t>(request.context)));
    response.headers.emplace_back("X-Peer", request.peer_address);
    const bool on_io_thread = io_thread_.load() == std::this_thread::get_id();
    response.headers.emplace_back("X-Thread", on_io_thread ? "io" : "other");
    response.headers.emplace_back("X-Reflected", request.header("x-REFLECT").value_or("") == "split"
                                                     ? "a\r\nX-Injected: 1"
                                                     : "");
    response.close = request.path == "/close";
    return response;
  }

  void note(const std::string& peer) {
    std::lock_guard lock(mutex_);
    peers_.push_back(peer);
  }

  void hold(http::respond_fn respond) {
    std::lock_guard lock(mutex_);
    held_.push_back(std::move(respond));
    changed_.notify_all();
  }

  void block() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !blocks_; });
  }

  std::atomic<std::thread::id> io_thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<http::respond_fn> held_;
  std::vector<std::string> peers_;
  bool blocks_ = true;
};

struct running_server {
  explicit running_server(http::server_options options = {},
                          core::logger_ptr log = core::make_null_logger()) {
    options.port = 0;
    auto started = http::server::start(std::move(options), handler, std::move(log), metrics);
    REQUIRE(started.ok());
    server = std::move(*started);
  }

  http_client connect(const char* from = "127.0.0.1") const {
    return http_client(server->port(), from);
  }
  double refused(const std::string& reason) {
    return metrics
        .get_counter("nexus_http_refused_total",
                     "Requests and connections that the HTTP server turned away.",
                     {{"reason", reason}})
        .value();
  }
  /// Whether the page of metrics has this line.
  bool shows(const std::string& line) {
    return metrics.text().find("\n" + line + "\n") != std::string::npos;
  }

  core::metrics metrics;
  test_handler handler;
  std::unique_ptr<http::server> server;
};

inline std::string post(const std::string& path, std::size_t bytes) {
  return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) +
         "\r\n\r\n" + std::string(bytes, 'b');
}

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

}  // namespace nexus::test
