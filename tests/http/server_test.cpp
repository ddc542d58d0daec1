// The HTTP server over real connections: what honest clients do.
#include "http/server.hpp"

#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "http/response_text.hpp"
#include "tests/http/server_fixture.hpp"
#include "tests/support/variable.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string chunk_of(const std::string& content) {
  char size[32];
  std::snprintf(size, sizeof size, "%zX\r\n", content.size());
  return std::string(size).append(content).append("\r\n");
}

std::string chunk_of(std::size_t bytes) {
  return chunk_of(std::string(bytes, 'b'));
}

const std::string chunked_head =
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

}  // namespace

TEST_CASE("a request reaches the handler whole, and its answer the client") {
  running_server running;
  auto client = running.connect();
  auto answer =
      client.request("POST", "/a%2Fb?c=d", {{"X-Reflect", "split"}}, std::string("1\0002", 3));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->body == "POST /a%2Fb c=d|" + std::string("1\0002", 3));
  CHECK(answer->header("Content-Type") == "text/plain");
  CHECK(answer->header("X-Peer") == "127.0.0.1");
  CHECK(answer->header("X-Context") == "6");
  CHECK(answer->header("Date").value_or("").ends_with(" GMT"));
  CHECK_FALSE(answer->header("Connection"));
  CHECK_FALSE(answer->header("X-Injected"));
}

TEST_CASE("the date of an answer is GMT, wherever the server stands") {
  const variable zone("TZ", "UTC+5");
  ::tzset();
  CHECK(http::http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("100 pipelined requests are answered in order") {
  running_server running;
  auto client = running.connect();
  std::string all;
  for (int i = 0; i < 100; ++i) all += get(std::string("/").append(std::to_string(i)));
  REQUIRE(client.send(all));
  for (int i = 0; i < 100; ++i) {
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->body == std::string("GET /").append(std::to_string(i)).append(" |"));
  }
}

TEST_CASE("the next request is not read while one is with the handler") {
  running_server running;
  auto client = running.connect();
  REQUIRE(client.send(get("/hold") + get("/hold") + get("/last")));
  for (const char* expected : {"first", "second"}) {
    running.handler.wait_held(1);
    auto held = running.handler.take_held();
    REQUIRE(held.size() == 1);
    held.front()(test_handler::answer(200, expected));
    CHECK(client.read_answer()->body == expected);
  }
  CHECK(client.read_answer()->body == "GET /last |");
}

TEST_CASE("200 connections are answered in bursts from other threads") {
  running_server running;
  std::vector<http_client> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(running.connect());
  for (int round = 0; round < 5; ++round) {
    for (auto& client : clients) REQUIRE(client.send(get("/hold")));
    running.handler.wait_held(clients.size());
    auto held = running.handler.take_held();
    auto answer_range = [&held](std::size_t from, std::size_t to) {
      for (std::size_t i = from; i < to; ++i) held[i](test_handler::answer(200, "done"));
    };
    std::thread other(answer_range, 0, 100);
    answer_range(100, 200);
    other.join();
    for (auto& client : clients) {
      auto answer = client.read_answer();
      REQUIRE(answer);
      CHECK(answer->body == "done");
    }
  }
}

TEST_CASE("a request is answered once: 500 if the handler lets it drop, the first of two answers") {
  running_server running;
  auto client = running.connect();
  auto dropped = client.request("GET", "/drop");
  REQUIRE(dropped);
  CHECK(dropped->status == 500);
  CHECK(dropped->body ==
        "{\"error\":\"internal_error\",\"message\":\"the request was dropped without an "
        "answer\",\"details\":{}}\n");
  CHECK(client.request("GET", "/twice")->body == "first");
  CHECK(client.request("GET", "/after")->body == "GET /after |");
}

TEST_CASE("a body at its limit is complete, one byte more is cut off and ends the connection") {
  running_server running;
  auto client = running.connect();
  for (const std::string& whole :
       {post("/x", 1000), chunked_head + chunk_of(1) + chunk_of(999) + "0\r\n\r\n"}) {
    REQUIRE(client.send(whole));
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == "POST /x |" + std::string(1000, 'b'));
  }
  for (const std::string& over :
       {post("/x", 1001), chunked_head + chunk_of(1) + chunk_of(1000) + "0\r\n\r\n",
        chunked_head + chunk_of(1000) + chunk_of(1) + "0\r\n\r\n"}) {
    auto other = running.connect();
    REQUIRE(other.send(over));
    auto answer = other.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 413);
    CHECK(answer->body == "POST /x |" + std::string(1000, 'b'));
    CHECK(answer->header("Connection") == "close");
    CHECK(other.at_end());
  }
}

TEST_CASE("a client that sends a far too long body before it listens still sees the answer") {
  running_server running;
  for (const std::string path : {"/x", "/refuse"}) {
    auto client = running.connect();
    REQUIRE(
        client.send("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n"));
    for (int i = 0; i < 8; ++i) REQUIRE(client.send(std::string(1 << 20, 'b')));
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == (path == "/x" ? 413 : 403));
    CHECK(client.at_end());
  }
}

TEST_CASE("a large body arrives whole") {
  running_server running;
  running.handler.body_bytes_max = 10 << 20;
  auto client = running.connect();
  std::string body(10 << 20, 'b');
  for (std::size_t i = 0; i < body.size(); i += 4093) body[i] = static_cast<char>('a' + i % 26);
  CHECK(client.request("POST", "/x", {}, body)->body == "POST /x |" + body);
  std::string chunks;
  for (std::size_t at = 0; at < body.size(); at += 100'000) {
    chunks += chunk_of(body.substr(at, 100'000));
  }
  REQUIRE(client.send(chunked_head + chunks + "0\r\n\r\n"));
  CHECK(client.read_answer()->body == "POST /x |" + body);
}

TEST_CASE("100 Continue is sent to those who wait for it, unless the request is refused") {
  running_server running;
  const std::string fields =
      " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  auto client = running.connect();
  REQUIRE(client.send("POST /x" + fields));
  CHECK(client.read_answer()->status == 100);
  REQUIRE(client.send("ok"));
  CHECK(client.read_answer()->body == "POST /x |ok");
  REQUIRE(client.send("POST /x" + fields + "ok"));  // does not wait: nothing to tell it
  CHECK(client.read_answer()->body == "POST /x |ok");
  REQUIRE(client.send("POST /refuse" + fields));
  auto refused = client.read_answer();
  REQUIRE(refused);
  CHECK(refused->status == 403);
  CHECK(refused->header("Connection") == "close");
  CHECK(client.at_end());
}

TEST_CASE("a refusal keeps the connection if the body has come along with its header") {
  running_server running;
  auto client = running.connect();
  CHECK(client.request("GET", "/refuse")->status == 403);
  CHECK(
      client.request("POST", "/refuse", {}, "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")->status ==
      403);
  CHECK(client.request("GET", "/after")->body == "GET /after |");
}

TEST_CASE("HEAD is answered with the length of the body but without it") {
  running_server running;
  auto client = running.connect();
  auto answer = client.request("HEAD", "/x");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(answer->header("Content-Length") == "9");  // "HEAD /x |"
  CHECK(client.request("HEAD", "/refuse")->header("Content-Length") == "7");
  CHECK(client.request("OPTIONS", "*")->body == "OPTIONS * |");
}

TEST_CASE("connections end when either side asks for it") {
  running_server running;
  for (const char* request :
       {"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /x HTTP/1.0\r\n\r\n",
        "GET /close HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    auto client = running.connect();
    REQUIRE(client.send(request));
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->header("Connection") == "close");
    CHECK(client.at_end());
  }
  auto client = running.connect();
  for (int i = 0; i < 2; ++i) {
    REQUIRE(client.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(client.read_answer()->header("Connection") == "keep-alive");
  }
}

TEST_CASE("a client may shut its sending side before it reads the answer") {
  running_server running;
  auto client = running.connect();
  REQUIRE(client.send(get("/x")));
  client.finish_sending();
  CHECK(client.read_answer()->body == "GET /x |");
  CHECK(client.at_end());
}

TEST_CASE("half a request and then the end is answered by the end") {
  running_server running;
  for (const char* half :
       {"", "GET /x", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel"}) {
    auto client = running.connect();
    REQUIRE(client.send(half));
    client.finish_sending();
    CHECK(client.at_end());
  }
}

TEST_CASE("an answer for a client that has gone is dropped") {
  running_server running;
  auto gone = running.connect();
  REQUIRE(gone.send(get("/hold")));
  running.handler.wait_held(1);
  gone.reset();
  running.handler.take_held().front()(test_handler::answer(200, std::string(1 << 20, 'x')));
  CHECK(running.connect().request("GET", "/x")->status == 200);
}
