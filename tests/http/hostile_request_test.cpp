// Requests that no honest client sends, over real connections.
#include <string>
#include <string_view>
#include <vector>

#include "tests/http/hostile_requests.hpp"
#include "tests/http/server_fixture.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

void check_refused(running_server& running, const std::vector<hostile>& table) {
  const int handled_before = running.handler.handled;
  for (const hostile& each : table) {
    INFO(each.name);
    http_client client = running.connect();
    REQUIRE(client.send(each.bytes));
    auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == each.status);
    CHECK(answer->header("Connection") == "close");
    CHECK(answer->header("Content-Type") == "application/json");
    CHECK(answer->body.starts_with("{\"error\":\""));
    CHECK(answer->body.ends_with(",\"details\":{}}\n"));
    CHECK(client.at_end());
  }
  CHECK(running.handler.handled == handled_before);
  CHECK(running.connect().request("GET", "/after")->status == 200);
}

/// With a whole request behind it, as somebody would smuggle it.
std::vector<hostile> with_a_stowaway(std::vector<hostile> table) {
  for (auto& each : table) each.bytes += get("/smuggled");
  return table;
}

}  // namespace

TEST_CASE("framing that two programs could read in two ways is refused") {
  running_server running;
  check_refused(running, smuggling_forms());
  CHECK(running.refused("bad_request") == static_cast<double>(smuggling_forms().size()));
  check_refused(running, with_a_stowaway(smuggling_forms()));
}

TEST_CASE("malformed chunks, chunk extensions and trailers are refused") {
  running_server running;
  running.handler.body_bytes_max = 10 << 20;
  check_refused(running, bad_chunks());
  check_refused(running, with_a_stowaway(bad_chunks()));
}

TEST_CASE("what is not HTTP/1 is refused") {
  running_server running;
  check_refused(running, garbage());
  check_refused(running, with_a_stowaway(garbage()));
}

TEST_CASE("forms that are rare but clear are understood in their one way") {
  struct rare {
    std::string name;
    std::string bytes;
    std::string answer;
  };
  running_server running;
  auto client = running.connect();
  for (const rare& each : std::vector<rare>{
           {"leading zeros in a length", post("Content-Length: 0005\r\n", "hello"),
            "POST /x |hello"},
           {"spaces around a length", post("Content-Length: \t 5 \t\r\n", "hello"),
            "POST /x |hello"},
           {"Chunked in other letters",
            post("transfer-ENCODING:chunKED\r\n", "5\r\nhello\r\n0\r\n\r\n"), "POST /x |hello"},
           {"leading zeros in a chunk size", chunked("00000005\r\nhello\r\n000\r\n\r\n"),
            "POST /x |hello"},
           {"a length in a GET", "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            "GET /x |hello"},
           {"a whole URL", "GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x y|"},
           {"a method nobody knows", "BREW /x HTTP/1.1\r\nHost: a\r\n\r\n", "BREW /x |"},
           {"a method in lower case", "get /x HTTP/1.1\r\nHost: a\r\n\r\n", "get /x |"},
           {"an empty Host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", "GET /x |"},
           {"an upgrade to HTTP/2",
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
            "GET /x |"},
           {"an upgrade to a WebSocket",
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET /x |"},
           {"a folded trailer, which is dropped", chunked("0\r\nX: y\r\n z\r\n\r\n"), "POST /x |"},
           {"a request in the body", post("Content-Length: 35\r\n", get("/smuggled")),
            "POST /x |" + get("/smuggled")},
       }) {
    INFO(each.name);
    REQUIRE(client.send(each.bytes));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body == each.answer);
    // The next answer is that to the next request, not to bytes of this one.
    CHECK(client.request("GET", "/next")->body == "GET /next |");
  }
}

TEST_CASE("headers and targets over a limit are refused") {
  running_server running;
  check_refused(running, oversized());
  CHECK(running.refused("headers_too_large") == 5);
  CHECK(running.refused("uri_too_long") == 1);
}

TEST_CASE("a header, a target and a number of headers exactly at their limits are accepted") {
  running_server running;
  auto client = running.connect();
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  REQUIRE(client.send(head + std::string(16 * 1024 - head.size() - 4, 'x') + "\r\n\r\n"));
  CHECK(client.read_answer()->status == 200);
  REQUIRE(client.send("GET /" + std::string(8 * 1024 - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(client.read_answer()->status == 200);
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: a\r\n" + many_headers(99) + "\r\n"));
  CHECK(client.read_answer()->status == 200);
}

TEST_CASE("fields that arrive one by one do not get around the limit of the header") {
  running_server running;
  auto client = running.connect();
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: a\r\nX"));
  std::size_t sent = 0;
  for (; sent < 200; ++sent) {  // each ends one byte into the next field
    if (!client.send(": " + std::string(500, 'y') + "\r\nX")) break;
  }
  auto answer = client.read_answer();
  REQUIRE(answer);
  CHECK(answer->status == 431);
}

TEST_CASE("a client that never stops sending is cut off") {
  running_server running;
  auto client = running.connect();
  REQUIRE(client.send("GET / HTTP/1.1\r\nHost: a\r\nX: "));
  const std::string piece(1 << 20, 'x');
  int pieces = 0;
  while (pieces < 1024 && client.send(piece)) ++pieces;
  CHECK(pieces < 1024);
}

TEST_CASE("a body that is only announced does not cost its memory") {
  running_server running;
  running.handler.body_bytes_max = std::uint64_t(1) << 62;
  auto client = running.connect();
  REQUIRE(client.send(post("Content-Length: 4611686018427387904\r\n", "hello")));
  CHECK(running.connect().request("GET", "/other")->status == 200);
}
