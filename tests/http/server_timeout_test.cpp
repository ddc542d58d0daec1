// Clients that take their time. The deadlines are short, and the tests block on what the server
// does about it.
#include <string>
#include <vector>

#include "tests/http/server_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;

TEST_CASE("slow headers end in 408 and hold up nobody else") {
  running_server running({.header_timeout = 200ms});
  std::vector<http_client> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(running.connect());
    REQUIRE(slow.back().send("GET / HTTP/1.1\r\nHost: a\r\nX"));
  }
  CHECK(running.connect().request("GET", "/x")->status == 200);
  for (auto& client : slow) {
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 408);
    CHECK(answer->header("Connection") == "close");
    CHECK(client.at_end());
  }
  CHECK(running.refused("request_timeout") == 50);
}

TEST_CASE("a body that does not come ends in 408") {
  running_server running({.body_timeout = 100ms});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  for (const char* rest :
       {"Content-Length: 5\r\n\r\nhell", "Transfer-Encoding: chunked\r\n\r\n5\r\nhell"}) {
    auto client = running.connect();
    REQUIRE(client.send(head + rest));
    CHECK(client.read_answer()->status == 408);
    CHECK(client.at_end());
  }
}

TEST_CASE("a body that comes byte by byte gets no more time for that") {
  running_server running({.header_timeout = 40ms, .body_timeout = 200ms});
  auto slow = running.connect();
  REQUIRE(slow.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n"));
  for (int i = 0; i < 12; ++i) {
    auto clock = running.connect();  // its header never comes: the answer says that 40 ms are over
    REQUIRE(clock.send("GET"));
    CHECK(clock.read_answer()->status == 408);
    slow.send("b");
  }
  CHECK(slow.read_answer()->status == 408);
}

TEST_CASE("a body gets time in proportion to its length") {
  running_server running({.body_timeout = 1ms, .body_bytes_per_second_min = 1});
  running.handler.body_bytes_max = 1'000'000;
  auto patient = running.connect();
  REQUIRE(patient.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"));
  auto hasty = running.connect();
  REQUIRE(hasty.send(
      "POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
  CHECK(hasty.read_answer()->status == 100);
  CHECK(hasty.read_answer()->status == 408);  // a second has passed
  REQUIRE(patient.send(std::string(1000, 'b')));
  CHECK(patient.read_answer()->status == 200);
}

TEST_CASE("a body of which little is missing gets little time for that") {
  running_server running({.body_timeout = 100ms, .body_bytes_per_second_min = 1});
  running.handler.body_bytes_max = 1'000'000;
  auto almost = running.connect();
  REQUIRE(almost.send(post("/x", 100'000).substr(0, post("/x", 100'000).size() - 1)));
  CHECK(almost.read_answer()->status == 408);  // a second later; the whole has more than a day
  CHECK(almost.at_end());
}

TEST_CASE("idle connections are closed silently, before the first request and after it") {
  running_server running({.header_timeout = 100ms, .idle_timeout = 100ms});
  auto silent = running.connect();
  CHECK(silent.at_end());
  auto once = running.connect();
  CHECK(once.request("GET", "/x")->status == 200);
  CHECK(once.at_end());
  CHECK(running.refused("request_timeout") == 0);
}

TEST_CASE("a client that does not read its answer is cut off and holds up nobody else") {
  running_server running({.write_timeout = 200ms});
  auto lazy = running.connect();
  REQUIRE(lazy.send(get("/large")));
  CHECK(running.connect().request("GET", "/x")->status == 200);
  CHECK(running.server->drain(30s) == 0);  // over as soon as the client is cut off
  CHECK_FALSE(lazy.read_answer());
}

TEST_CASE("what a client does not read of its answers takes little memory") {
  running_server running({.write_timeout = 200ms});
  auto lazy = running.connect();
  while (lazy.send(get("/long"))) {  // until it is cut off
  }
  CHECK(running.handler.handled < 10);  // 100 KB each; the system by itself would take 4 MB
}

TEST_CASE("a client that keeps its side open after the last answer is closed") {
  running_server running({.linger_timeout = 100ms});
  auto client = running.connect();
  REQUIRE(client.send(get("/close")));
  CHECK(client.read_answer()->status == 200);
  CHECK(client.at_end());
  while (client.send("x")) {  // until the reset that says that nobody is there any more
  }
  CHECK(running.connect().request("GET", "/x")->status == 200);
}
