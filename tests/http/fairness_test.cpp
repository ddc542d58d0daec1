// Clients that take more than their part, and one that must not feel it.
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/http/server_fixture.hpp"
#include "tests/support/wait_until.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// All of its requests are answered, on one connection and on new ones.
void check_served(const running_server& running, int requests = 200) {
  auto kept = running.connect("127.0.0.2");
  for (int i = 0; i < requests; ++i) {
    const auto answer = kept.request("POST", "/x", {}, "body");
    REQUIRE(answer);
    REQUIRE(answer->body == "POST /x |body");
    if (i % 10 > 0) continue;
    const auto anew = running.connect("127.0.0.2").request("GET", "/x");
    REQUIRE(anew);
    REQUIRE(anew->status == 200);
  }
}

/// As many connections as the system lets one process have on both of their ends.
std::size_t connections_that_fit(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 2 * wanted + 200);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(wanted, (limit.rlim_cur - 200) / 2);
}

}  // namespace

TEST_CASE("5,000 connections of one client leave another one alone") {
  const std::size_t count = connections_that_fit(5000);
  http::server_options options;
  options.connections_max = count;
  options.connections_per_address_max = count / 2;
  running_server running(options);
  std::vector<http_client> crowd;
  for (std::size_t i = 0; i < count; ++i) {
    crowd.push_back(running.connect());
    if (i % 500 == 0) check_served(running, 10);
  }
  check_served(running);
  // Half of them are served like everybody, the others were told, or only closed.
  CHECK(crowd.front().request("GET", "/x")->status == 200);
  CHECK(crowd[count / 2 - 1].request("GET", "/x")->status == 200);
  CHECK(running.refused("too_many_connections") == static_cast<double>(count - count / 2));
}

TEST_CASE("500 clients in the middle of a header, a body or a chunk leave another one alone") {
  running_server running;
  running.handler.body_bytes_max = 1 << 20;
  std::vector<http_client> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(running.connect());
    const char* parts[] = {
        "GET /x HTTP/1.1\r\nHost",
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nbegin",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nb"};
    REQUIRE(slow.back().send(parts[i % 3]));
  }
  check_served(running);
}

TEST_CASE("requests of many connections of one client wait in its own line") {
  constexpr std::size_t burst = 300;
  running_server running;
  std::vector<http_client> crowd;
  for (std::size_t i = 0; i < burst; ++i) crowd.push_back(running.connect("127.0.0.2"));
  for (auto& each : crowd) REQUIRE(each.request("GET", "/x"));  // all are being served
  auto other = running.connect("127.0.0.1");
  REQUIRE(other.request("GET", "/x"));
  auto blocking = running.connect("127.0.0.3");
  REQUIRE(blocking.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n"));
  const std::size_t before = burst + 2;  // the requests so far, the blocking one with them
  wait_until([&] { return running.handler.peers().size() == before; });

  for (auto& each : crowd) REQUIRE(each.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n"));
  REQUIRE(other.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n"));
  running.handler.unblock();
  for (auto& each : crowd) REQUIRE(each.read_answer());
  REQUIRE(other.read_answer());

  const auto peers = running.handler.peers();
  const auto at = std::find(peers.begin() + before, peers.end(), "127.0.0.1");
  CHECK(peers.size() == before + burst + 1);
  CHECK(at - peers.begin() - static_cast<std::ptrdiff_t>(before) < 100);
}

TEST_CASE("clients that fill all memory for bodies and wait leave small bodies alone") {
  http::server_options options;
  options.in_flight_bytes_max = 1 << 20;
  running_server running(options);
  running.handler.body_bytes_max = 10 << 20;
  std::vector<http_client> greedy;
  for (int i = 0; i < 20; ++i) {
    greedy.push_back(running.connect());
    REQUIRE(greedy.back().send(post("/x", 2 << 20).substr(0, 500'000)));
  }
  check_served(running);
}

TEST_CASE("a client that holds all the bodies that it may have leaves room for those of others") {
  http::server_options options;
  options.in_flight_bytes_max = 1 << 20;
  running_server running(options);
  running.handler.body_bytes_max = 10 << 20;
  std::vector<http_client> greedy;
  for (std::size_t i = 0; i < 9; ++i) {
    greedy.push_back(running.connect());
    REQUIRE(greedy.back().send(post("/hold", 200'000)));
  }
  running.handler.wait_held(1);  // the others have what is left of the half, and wait for more
  auto other = running.connect("127.0.0.2");
  for (int i = 0; i < 5; ++i)
    CHECK(other.request("POST", "/x", {}, std::string(400'000, 'b'))->status == 200);
  for (std::size_t answered = 0; answered < greedy.size();) {
    for (auto& respond : running.handler.take_held()) {
      respond(test_handler::answer(200, "late"));
      ++answered;
    }
    std::this_thread::yield();
  }
  for (auto& client : greedy) CHECK(client.read_answer()->body == "late");
}

TEST_CASE("clients that ask for much and read nothing leave another one alone") {
  running_server running;
  std::vector<http_client> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.push_back(running.connect());
    std::string requests;
    for (int j = 0; j < 100; ++j) requests += get("/large");
    REQUIRE(deaf.back().send(requests));
  }
  check_served(running);
}

TEST_CASE("clients that send thousands of requests at once leave another one alone") {
  running_server running;
  std::vector<http_client> hasty;
  std::string requests;
  for (int i = 0; i < 2000; ++i) requests += get("/x");
  for (int i = 0; i < 20; ++i) {
    hasty.push_back(running.connect());
    REQUIRE(hasty.back().send(requests));
  }
  check_served(running);
  for (auto& client : hasty)
    for (int i = 0; i < 2000; ++i) REQUIRE(client.read_answer()->status == 200);
}
