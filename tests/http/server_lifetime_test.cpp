// Starting, stopping, and running out of connections.
#include <sys/resource.h>
#include <unistd.h>

#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/http/server_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

/// Returns once nobody listens on the port any more.
void wait_until_closed(std::uint16_t port) {
  for (;;) {
    try {
      http_client probe(port);
    } catch (const std::runtime_error&) {
      return;
    }
  }
}

/// Lets a test wait for the first warning.
class warning_logger : public core::logger {
 public:
  void write(core::log_level level, std::string_view text) override {
    if (level == core::log_level::warn) warning_.set_value(std::string(text));
  }
  void set_level(core::log_level) override {}
  std::string wait() { return warning_.get_future().get(); }

 private:
  std::promise<std::string> warning_;
};

/// No further descriptor can be opened while this lives.
class no_more_descriptors {
 public:
  no_more_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    int lowest_free = ::dup(0);
    ::close(lowest_free);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(lowest_free);
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  ~no_more_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  no_more_descriptors(const no_more_descriptors&) = delete;
  no_more_descriptors& operator=(const no_more_descriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("drain lets the request in progress end, and closes the rest") {
  running_server running;
  auto idle = running.connect();
  CHECK(idle.request("GET", "/x")->status == 200);
  auto busy = running.connect();
  REQUIRE(busy.send(get("/hold") + get("/never")));
  running.handler.wait_held(1);
  std::uint16_t port = running.server->port();
  auto drained = std::async(std::launch::async, [&] { return running.server->drain(60s); });
  wait_until_closed(port);
  CHECK(idle.at_end());
  running.handler.take_held().front()(test_handler::answer(200, "late"));
  auto answer = busy.read_answer();
  REQUIRE(answer);
  CHECK(answer->body == "late");
  CHECK(answer->header("Connection") == "close");
  CHECK_FALSE(busy.read_answer());
  CHECK(drained.get() == 0);
  CHECK(running.server->drain(60s) == 0);
}

TEST_CASE("drain cuts off what outlasts its budget, and the answer that comes then is dropped") {
  running_server running;
  auto first = running.connect();
  auto second = running.connect();
  REQUIRE(first.send(get("/hold")));
  REQUIRE(second.send(get("/hold")));
  running.handler.wait_held(2);
  CHECK(running.server->drain(10ms) == 2);
  CHECK_FALSE(first.read_answer());
  auto held = running.handler.take_held();
  held.front()(test_handler::answer(200, "too late"));
  running.server.reset();
  held.back()(test_handler::answer(200, "far too late"));
}

TEST_CASE("a server can be destroyed without a drain, with requests in every phase") {
  std::vector<http::respond_fn> held;
  std::vector<http_client> clients;
  {
    running_server running;
    for (const std::string& bytes :
         {get("/hold"), std::string("GET"), get("/large"), get("/x"),
          std::string("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"),
          std::string("nonsense\r\n\r\n"), std::string()}) {
      clients.push_back(running.connect());
      REQUIRE(clients.back().send(bytes));
    }
    running.handler.wait_held(1);
    held = running.handler.take_held();
  }
  CHECK_FALSE(clients.front().read_answer());
  held.front()(test_handler::answer(200, "too late"));
}

TEST_CASE("a port in use is an error that says what to do") {
  running_server running;
  auto second = http::server::start({.port = running.server->port()}, running.handler,
                                    core::make_null_logger(), running.metrics);
  REQUIRE_FALSE(second.ok());
  CHECK(second.reason().code == core::errc::io_failed);
  CHECK(second.reason().text ==
        "cannot listen on 127.0.0.1:" + std::to_string(running.server->port()) +
            ": Address already in use: another program is listening on it; stop it or set "
            "daemon.port");
}

TEST_CASE("an address that this machine does not have is an error that says what to do") {
  running_server running;
  auto second = http::server::start({.bind = "192.0.2.1", .port = 0}, running.handler,
                                    core::make_null_logger(), running.metrics);
  REQUIRE_FALSE(second.ok());
  CHECK(second.reason().text.starts_with("cannot listen on 192.0.2.1:0: "));
  CHECK(second.reason().text.find("set daemon.bind") != std::string::npos);
}

TEST_CASE("the empty address listens on all interfaces, and a client of IPv4 is seen as one") {
  running_server running({.bind = ""});
  CHECK(running.connect().request("GET", "/x")->header("X-Peer") == "127.0.0.1");
}

TEST_CASE("a host name can be listened on") {
  running_server running({.bind = "localhost"});
  CHECK(running.server->port() != 0);
}

TEST_CASE("connections above the limit are told so, and those below go on") {
  running_server running({.connections_max = 2});
  auto first = running.connect();
  auto second = running.connect();
  CHECK(first.request("GET", "/x")->status == 200);
  CHECK(second.request("GET", "/x")->status == 200);
  auto third = running.connect();
  auto answer = third.request("GET", "/x");
  REQUIRE(answer);
  CHECK(answer->status == 503);
  CHECK(answer->body.find("too_many_connections") != std::string::npos);
  CHECK(third.at_end());
  CHECK(second.request("GET", "/x")->status == 200);
  CHECK(running.refused("too_many_connections") == 1);
}

TEST_CASE("however many have been turned away before, the next one is told why") {
  running_server running({.connections_max = 1});
  auto first = running.connect();
  CHECK(first.request("GET", "/x")->status == 200);
  for (int i = 0; i < 200; ++i) {
    INFO(i);
    const auto answer = running.connect().request("GET", "/x");
    REQUIRE(answer);
    CHECK(answer->status == 503);
  }
}

TEST_CASE("a flood of connections leaves those that are open alone") {
  running_server running({.connections_max = 1});
  auto first = running.connect();
  CHECK(first.request("GET", "/x")->status == 200);
  std::vector<http_client> flood;
  for (int i = 0; i < 500; ++i) flood.push_back(running.connect());
  CHECK(first.request("GET", "/x")->status == 200);
  for (auto& each : flood) {
    auto answer = each.read_answer();  // a word for some, for the others only the end
    CHECK((!answer || answer->status == 503));
  }
  CHECK(running.refused("too_many_connections") == 500);
  CHECK(first.request("GET", "/x")->status == 200);
}

TEST_CASE("a lack of descriptors delays connections, but does not lose them") {
  auto log = std::make_shared<warning_logger>();
  running_server running({}, log);
  auto warm_up = running.connect();
  CHECK(warm_up.request("GET", "/x")->status == 200);
  std::optional<http_client> client;
  {
    // The connection is made by the kernel; it is the server that has no descriptor for it.
    std::uint16_t port = running.server->port();
    int reserve = ::dup(0);
    no_more_descriptors scarce;
    ::close(reserve);
    client.emplace(port);
    CHECK(log->wait().starts_with("cannot accept HTTP connections: Too many open files"));
    CHECK(warm_up.request("GET", "/x")->status == 200);
  }
  CHECK(client->request("GET", "/x")->status == 200);
  CHECK(running.refused("accept_failed") >= 1);
}

TEST_CASE("the number of open connections is a metric") {
  running_server running;
  auto client = running.connect();
  CHECK(client.request("GET", "/x")->status == 200);
  CHECK(running.metrics.text().find("nexus_http_connections 1\n") != std::string::npos);
  running.server->drain(0s);
  CHECK(running.metrics.text().find("nexus_http_connections 0\n") != std::string::npos);
}
