// The limits of the server over real connections: of one address, and of bodies together.
#include <string>
#include <vector>

#include "tests/http/server_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

namespace {

/// A server whose memory has room for one of the bodies that these tests send, and one more that is
/// favoured; of different addresses, because one alone has only half of it and one body more.
struct small_server : running_server {
  static constexpr std::size_t body_bytes = 90'000;

  explicit small_server(http::server_options options = {})
      : running_server((options.in_flight_bytes_max = 100'000, options)) {
    handler.body_bytes_max = 1'000'000;
  }
  /// Two clients whose bodies the handler has, and does not answer.
  std::vector<http_client> fill() {
    std::vector<http_client> both;
    for (std::size_t i = 0; i < 2; ++i) {
      both.push_back(connect(i == 0 ? "127.0.0.1" : "127.0.0.2"));
      REQUIRE(both.back().send(post("/hold", body_bytes)));
      handler.wait_held(i + 1);
    }
    return both;
  }
};

}  // namespace

TEST_CASE("one address has a limit of connections, and others do not feel it") {
  running_server running({.connections_per_address_max = 2});
  auto first = running.connect();
  auto second = running.connect();
  CHECK(first.request("GET", "/x")->status == 200);
  CHECK(second.request("GET", "/x")->status == 200);
  auto third = running.connect();
  const auto answer = third.request("GET", "/x");
  REQUIRE(answer);
  CHECK(answer->status == 429);
  CHECK(answer->body.find("\"too_many_connections\"") != std::string::npos);
  CHECK(answer->header("Retry-After") == "5");
  CHECK(answer->header("Connection") == "close");
  CHECK(third.at_end());
  CHECK(running.refused("too_many_connections") == 1);
  auto other = running.connect("127.0.0.2");
  CHECK(other.request("GET", "/x")->header("X-Peer") == "127.0.0.2");
  REQUIRE(first.send(get("/close")));
  CHECK(first.read_answer()->status == 200);
  first.finish_sending();
  CHECK(first.at_end());
  for (;;) {  // until the server has seen that end
    auto next = running.connect();
    if (next.request("GET", "/x")->status == 200) break;
  }
}

TEST_CASE("those who are turned away and stay take no place from others") {
  running_server running({.connections_max = 4, .connections_per_address_max = 1});
  auto first = running.connect();
  CHECK(first.request("GET", "/x")->status == 200);
  std::vector<http_client> crowd;
  for (int i = 0; i < 200; ++i) {
    crowd.push_back(running.connect());
    crowd.back().send("GET");
  }
  for (const char* from : {"127.0.0.2", "127.0.0.3", "127.0.0.4"}) {
    INFO(from);
    crowd.push_back(running.connect(from));
    CHECK(crowd.back().request("GET", "/x")->status == 200);
  }
  CHECK(first.request("GET", "/x")->status == 200);
}

TEST_CASE("a body that alone is above the limit of all bodies is taken") {
  small_server running;
  auto client = running.connect();
  CHECK(client.request("POST", "/x", {}, std::string(1'000'000, 'b'))->status == 200);
  CHECK(running.shows("nexus_http_body_bytes 0"));
}

TEST_CASE("bodies count until they are answered, and those above the limit wait for that") {
  small_server running;
  auto both = running.fill();
  CHECK(running.shows("nexus_http_body_bytes 180000"));
  auto third = running.connect();
  REQUIRE(third.send(post("/x", small_server::body_bytes)));
  auto fourth = running.connect();
  REQUIRE(fourth.send(post("/x", small_server::body_bytes)));
  // Small bodies, and requests without one, go on meanwhile.
  for (int i = 0; i < 20; ++i) {
    CHECK(running.connect().request("POST", "/x", {}, std::string(16'000, 'b'))->status == 200);
    CHECK(running.connect().request("GET", "/x")->status == 200);
  }
  CHECK(running.handler.handled == 42);
  for (auto& respond : running.handler.take_held()) respond(test_handler::answer(200, "late"));
  for (auto& client : both) CHECK(client.read_answer()->body == "late");
  CHECK(third.read_answer()->status == 200);
  CHECK(fourth.read_answer()->status == 200);
  CHECK(running.shows("nexus_http_body_bytes 0"));
}

TEST_CASE("a body that waits too long for room is answered 503, with the time to come back") {
  small_server running({.body_timeout = 200ms});
  auto both = running.fill();
  for (int i = 0; i < 3; ++i) {
    auto client = running.connect();
    REQUIRE(client.send(post("/x", small_server::body_bytes)));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 503);
    CHECK(answer->body.find("\"overloaded\"") != std::string::npos);
    CHECK(answer->header("Retry-After") == "5");
    CHECK(client.at_end());
  }
  CHECK(running.refused("overloaded") == 3);
  for (auto& respond : running.handler.take_held()) respond(test_handler::answer(200, "late"));
  for (auto& client : both) CHECK(client.read_answer()->body == "late");
  auto client = running.connect();
  CHECK(client.request("POST", "/x", {}, std::string(90'000, 'b'))->status == 200);
}

TEST_CASE("clients that all have sent half of a body are all answered") {
  small_server running;
  std::vector<http_client> clients;
  const std::string whole = post("/x", 80'000);
  for (int i = 0; i < 20; ++i) {
    clients.push_back(running.connect());
    REQUIRE(clients.back().send(whole.substr(0, 40'000)));
  }
  for (auto& client : clients) REQUIRE(client.send(whole.substr(40'000)));
  for (auto& client : clients) CHECK(client.read_answer()->status == 200);
  CHECK(running.shows("nexus_http_body_bytes 0"));
}

TEST_CASE("a client that goes away in the middle of a body, or in line for it, leaves nothing") {
  small_server running;
  for (int round = 0; round < 20; ++round) {
    std::vector<http_client> clients;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(running.connect());
      REQUIRE(clients.back().send(post("/x", small_server::body_bytes).substr(0, 80'000)));
    }
    for (auto& client : clients) client.reset();
  }
  auto client = running.connect();
  for (int i = 0; i < 2; ++i)
    CHECK(client.request("POST", "/x", {}, std::string(90'000, 'b'))->status == 200);
}

TEST_CASE("large and compressed bodies are handled beside the others, with their context") {
  running_server running({.inline_body_bytes_max = 500});
  auto client = running.connect();
  const auto thread_of = [&](std::size_t bytes, const std::string& encoding) {
    std::vector<std::pair<std::string, std::string>> fields;
    if (!encoding.empty()) fields.emplace_back("content-encoding", encoding);
    const auto answer = client.request("POST", "/path", fields, std::string(bytes, 'b'));
    REQUIRE(answer);
    CHECK(answer->body == "POST /path |" + std::string(bytes, 'b'));
    CHECK(answer->header("X-Context") == "5");
    return answer->header("X-Thread").value_or("");
  };
  CHECK(thread_of(500, "") == "io");
  CHECK(thread_of(501, "") == "other");
  CHECK(thread_of(1, "gzip") == "other");
  CHECK(thread_of(0, "gzip") == "io");
}

TEST_CASE("what the handler calls heavy is handled beside the others, however short it is") {
  running_server running({.inline_body_bytes_max = 500});
  auto client = running.connect();
  const auto thread_of = [&](const std::string& path, const std::string& body) {
    const auto answer = client.request("POST", path, {}, body);
    REQUIRE(answer);
    CHECK(answer->body == "POST " + path + " |" + body);
    return answer->header("X-Thread").value_or("");
  };
  CHECK(thread_of("/heavy", "b") == "other");
  CHECK(thread_of("/path", "b") == "io");
  CHECK(thread_of("/heavy", "") == "other");
  CHECK(thread_of("/path", "") == "io");
}

TEST_CASE("while a large body is being handled everybody else is answered") {
  running_server running({.inline_body_bytes_max = 500});
  auto large = running.connect();
  auto behind = running.connect();
  REQUIRE(large.send(post("/block", 501)));
  REQUIRE(behind.send(post("/x", 501)));
  for (int i = 0; i < 50; ++i) CHECK(running.connect().request("GET", "/x")->status == 200);
  running.handler.unblock();
  CHECK(large.read_answer()->status == 200);
  CHECK(behind.read_answer()->status == 200);
}

TEST_CASE("a stop waits for the large body that is being handled, and drops those behind it") {
  running_server running({.inline_body_bytes_max = 500});
  std::vector<http_client> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(running.connect());
    REQUIRE(clients.back().send(post("/block", 501)));
  }
  while (running.handler.handled == 0) std::this_thread::yield();
  std::thread unblocks([&] {
    for (auto& client : clients) (void)client.at_end();  // cut off, while the first still blocks
    running.handler.unblock();
  });
  CHECK(running.server->drain(0ms) >= 1);  // some may not have been read yet
  unblocks.join();
  CHECK(running.handler.handled == 1);
}
