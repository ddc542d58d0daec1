// Requests that no honest client sends, over real connections.
#include <string>
#include <string_view>
#include <vector>

#include "tests/http/server_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::string_literals;

namespace {

struct hostile {
  std::string name;
  std::string bytes;
  int status;
};

std::string post(const std::string& fields, const std::string& body = "") {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

std::string many_headers(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "X: y\r\n";
  return fields;
}

std::string many_chunks(int count, const std::string& extension) {
  std::string chunks;
  for (int i = 0; i < count; ++i) chunks += "1;" + extension + "\r\nx\r\n";
  return chunks + "0\r\n\r\n";
}

const std::vector<hostile> smuggling = {
    {"length, then chunked",
     post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked, then length",
     post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
    {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
    {"the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
    {"a list of lengths", post("Content-Length: 5, 5\r\n", "hello"), 400},
    {"a signed length", post("Content-Length: +5\r\n", "hello"), 400},
    {"a negative length", post("Content-Length: -1\r\n"), 400},
    {"a hexadecimal length", post("Content-Length: 0x5\r\n", "hello"), 400},
    {"an empty length", post("Content-Length: \r\n"), 400},
    {"a length with a space in it", post("Content-Length: 5 5\r\n", "hello"), 400},
    {"a length with a comma at its end", post("Content-Length: 5,\r\n", "hello"), 400},
    {"a length with a fraction", post("Content-Length: 5.0\r\n", "hello"), 400},
    {"a quoted length", post("Content-Length: \"5\"\r\n", "hello"), 400},
    {"a length with a zero byte", post("Content-Length: 5\0\r\n"s, "hello"), 400},
    {"a length in other digits", post("Content-Length: \xef\xbc\x95\r\n", "hello"), 400},
    {"a length and one in other letters",
     post("Content-Length: 5\r\ncontent-LENGTH: 0\r\n", "hello"), 400},
    {"a length with a space before its colon", post("Content-Length : 5\r\n", "hello"), 400},
    {"a length with a space before its name",
     "POST /x HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\nhello", 400},
    {"a folded length", post("Content-Length:\r\n 5\r\n", "hello"), 400},
    {"length and chunked far apart",
     post("Content-Length: 5\r\nX-A: b\r\nX-C: d\r\ntRANSFER-eNCODING:   chunked  \r\n",
          "0\r\n\r\n"),
     400},
    {"length 0 and chunked",
     post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"length and an unknown encoding",
     post("Content-Length: 5\r\nTransfer-Encoding: x\r\n", "hello"), 400},
    {"a length beyond 64 bits", post("Content-Length: 18446744073709551617\r\n"), 400},
    {"chunked twice",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked twice in one field", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"),
     400},
    {"gzip, chunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked, identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 400},
    {"identity with a length",
     post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 400},
    {"an unknown encoding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400},
    {"a quoted encoding", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400},
    {"an empty encoding", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400},
    {"chunked with a comma at its end", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n"), 400},
    {"chunked after a comma", post("Transfer-Encoding: , chunked\r\n", "0\r\n\r\n"), 400},
    {"chunked with a parameter", post("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n"), 400},
    {"chunked with a zero byte", post("Transfer-Encoding: chunked\0\r\n"s, "0\r\n\r\n"), 400},
    {"chunked and then something else",
     post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), 400},
    {"chunked with a tab before its colon", post("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"),
     400},
    {"chunked with a byte beyond ASCII", post("Transfer-Encoding: chunked\xa0\r\n", "0\r\n\r\n"),
     400},
    {"chunked in HTTP/1.0",
     "POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"a space before the colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), 400},
    {"a vertical tab in the value",
     post("Transfer-Encoding: \x0b"
          "chunked\r\n",
          "0\r\n\r\n"),
     400},
    {"a folded encoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
    {"a folded header", post("X-A: b\r\n\tc\r\n"), 400},
    {"a fold after the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"a bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400},
    {"a bare LF after the request line", "GET / HTTP/1.1\nHost: a\n\n", 400},
    {"a bare CR in a value", post("X-A: b\rTransfer-Encoding: chunked\r\n"), 400},
    {"CR CR LF", post("X-A: b\r\r\n"), 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"two Hosts in other letters", "GET / HTTP/1.1\r\nHost: a\r\nhOST: a\r\n\r\n", 400},
    {"a Host with a space before its colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
};

const std::vector<hostile> bad_chunks = {
    {"no chunk size", chunked("hello\r\n0\r\n\r\n"), 400},
    {"a chunk size beyond 64 bits", chunked("11111111111111111\r\nhello"), 400},
    {"a signed chunk size", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400},
    {"a chunk size with 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400},
    {"a space after the chunk size", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400},
    {"a bare LF after the chunk size", chunked("5\nhello\r\n0\r\n\r\n"), 400},
    {"a chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400},
    {"a bare LF in a chunk extension", chunked("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), 400},
    {"an endless chunk line", chunked("5;" + std::string(100'000, 'a')), 400},
    {"an endless chunk size", chunked(std::string(100'000, '0')), 400},
    {"an endless trailer", chunked("0\r\nA: " + std::string(100'000, 'a')), 400},
    {"too many trailer fields", chunked("0\r\n" + many_headers(101) + "\r\n"), 400},
    {"a negative chunk size", chunked("-1\r\nhello\r\n0\r\n\r\n"), 400},
    {"a chunk size that just does not fit", chunked("ffffffffffffffff1\r\nhello"), 400},
    {"a space before the chunk size", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400},
    {"a chunk size with h", chunked("5h\r\nhello\r\n0\r\n\r\n"), 400},
    {"an empty chunk size", chunked("\r\nhello\r\n0\r\n\r\n"), 400},
    {"a bare CR after the chunk size", chunked("5\rhello\r\n0\r\n\r\n"), 400},
    {"no line end after a chunk", chunked("5\r\nhello0\r\n\r\n"), 400},
    {"a bare LF after a chunk", chunked("5\r\nhello\n0\r\n\r\n"), 400},
    {"a bare LF after the last chunk", chunked("0\n\n\r\n\r\n"), 400},
    {"a zero byte in a chunk extension", chunked("5;a=\0\r\nhello\r\n0\r\n\r\n"s), 400},
    {"chunk extensions that are too long together",
     chunked(many_chunks(300, std::string(100, 'a'))), 400},
    {"a bare LF in the trailer", chunked("0\r\nX: y\n\r\n\r\n"), 400},
    {"a trailer without a colon", chunked("0\r\nnonsense\r\n\r\n"), 400},
    {"a length in the trailer", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
    {"an encoding in the trailer", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
};

const std::vector<hostile> garbage = {
    {"noise", "\xde\xad\xbe\xef\x01\x02\x03\x04"s, 400},
    {"a TLS client", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s, 400},
    {"an HTTP/2 client", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
    {"a NUL in the target", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
    {"a NUL in a header", "GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"s, 400},
    {"an empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no version", "GET /\r\n\r\n", 400},
    {"a space in the target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
    {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400},
    {"HTTP/0.9 with a version", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 400},
    {"HTTP/1", "GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
    {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
    {"HTTP/01.1", "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400},
    {"HTTP /1.1", "GET / HTTP /1.1\r\nHost: a\r\n\r\n", 400},
    {"HTTPS/1.1", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n", 400},
    {"a space after the version", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
    {"a space before the method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no method", " / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a method with a bracket", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a method with a byte beyond ASCII", "G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a method with a zero byte", "GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},
    {"no target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a target of an authority alone", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a star with more behind it", "OPTIONS *x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a backslash for a slash", "GET \\x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"a DEL in the target", "GET /a\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"http in lower case", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"a target without a slash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"another scheme", "GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"an empty field name", post(": x\r\n"), 400},
    {"a field name with a space", post("X Y: z\r\n"), 400},
    {"a field name with a bracket", post("X(Y: z\r\n"), 400},
    {"a field name with a zero byte", post("X\0Y: z\r\n"s), 400},
    {"a field name with a byte beyond ASCII", post("X\xc3\xa9: z\r\n"), 400},
    {"a DEL in a value", post("X: a\x7f\r\n"), 400},
    {"an escape in a value", post("X: \x1b[2J\r\n"), 400},
    {"a field without a colon", post("nonsense\r\n"), 400},
    {"an unknown expectation", post("Expect: miracles\r\nContent-Length: 1\r\n"), 417},
};

const std::vector<hostile> too_much = {
    {"100,000 headers", "GET / HTTP/1.1\r\nHost: a\r\n" + many_headers(100'000) + "\r\n", 431},
    {"101 headers", "GET / HTTP/1.1\r\nHost: a\r\n" + many_headers(100) + "\r\n", 431},
    {"a long header line", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1 << 20, 'x'), 431},
    {"a header one byte too long",
     "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(16 * 1024 - 31, 'x') + "\r\n\r\n", 431},
    {"a long method", std::string(1 << 20, 'X'), 431},
    {"a long target", "GET /" + std::string(8 * 1024, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
};

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
  check_refused(running, smuggling);
  CHECK(running.refused("bad_request") == static_cast<double>(smuggling.size()));
  check_refused(running, with_a_stowaway(smuggling));
}

TEST_CASE("malformed chunks, chunk extensions and trailers are refused") {
  running_server running;
  running.handler.body_bytes_max = 10 << 20;
  check_refused(running, bad_chunks);
  check_refused(running, with_a_stowaway(bad_chunks));
}

TEST_CASE("what is not HTTP/1 is refused") {
  running_server running;
  check_refused(running, garbage);
  check_refused(running, with_a_stowaway(garbage));
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
  check_refused(running, too_much);
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
