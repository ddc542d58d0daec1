// The reader of requests without a connection.
#include "http/request_reader.hpp"

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace nexus::http;

namespace {

const std::string chunked_request =
    "POST /a/b?c=d&e HTTP/1.1\r\nHost: localhost\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;note=\"a;b\"\r\nhello\r\n006\r\n world\r\n0;last\r\nX-Trailer: t\r\nX-One: 2\r\n\r\n";

void check_chunked_request(request_reader& reader) {
  REQUIRE(reader.at() == request_reader::state::done);
  CHECK(reader.keep_alive());
  request request = reader.take_request();
  CHECK(request.method == "POST");
  CHECK(request.path == "/a/b");
  CHECK(request.query == "c=d&e");
  CHECK(request.body == "hello world");
  CHECK_FALSE(request.body_truncated);
  CHECK(request.headers.size() == 3);
  CHECK(request.header("x-one") == "1");
  CHECK_FALSE(request.header("X-Trailer"));
}

/// Feeds as a connection would: what was not taken is offered again.
void feed_all(request_reader& reader, std::string& pending) {
  for (;;) {
    auto before = reader.at();
    std::size_t taken = reader.feed(pending);
    pending.erase(0, taken);
    if (reader.at() == request_reader::state::header_done) reader.accept_body(1000);
    if (reader.at() == before && taken == 0) return;
    if (reader.at() == request_reader::state::done) return;
  }
}

std::string path_of(std::string target) {
  request_reader reader({});
  reader.feed("GET " + std::move(target) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(reader.at() == request_reader::state::header_done);
  return reader.current().path + "#" + reader.current().query;
}

}  // namespace

TEST_CASE("a request cut in two anywhere is read the same") {
  for (std::size_t cut = 0; cut <= chunked_request.size(); ++cut) {
    INFO("cut at " << cut);
    request_reader reader({});
    std::string pending = chunked_request.substr(0, cut);
    feed_all(reader, pending);
    REQUIRE((reader.at() == request_reader::state::done) == (cut == chunked_request.size()));
    pending += chunked_request.substr(cut);
    feed_all(reader, pending);
    check_chunked_request(reader);
  }
}

TEST_CASE("a request that arrives byte by byte is read the same, twice in a row") {
  request_reader reader({});
  for (int round = 0; round < 2; ++round) {
    std::string pending;
    for (char byte : chunked_request) {
      REQUIRE(reader.at() != request_reader::state::done);
      pending += byte;
      feed_all(reader, pending);
    }
    check_chunked_request(reader);
    CHECK(pending.empty());
    reader.reset();
  }
}

TEST_CASE("the end of a body in chunks may come in any pieces") {  // a debug build of Beast aborted
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body : {"0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n", "0\r\nA: b\r\n\r\n"})
    for (std::size_t cut = 0; cut < body.size(); ++cut)
      for (std::size_t piece : {1u, 2u, 100u}) {
        request_reader reader({});
        std::string pending = head + body.substr(0, cut);
        feed_all(reader, pending);
        for (auto at = cut; at < body.size(); at += piece) {
          REQUIRE(reader.at() == request_reader::state::body);
          pending += body.substr(at, piece);
          feed_all(reader, pending);
        }
        CHECK(reader.at() == request_reader::state::done);
        CHECK(pending.empty());
      }
}

TEST_CASE("what follows a request is left for the next one") {
  request_reader reader({});
  std::string pending = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokGET /2";
  feed_all(reader, pending);
  REQUIRE(reader.at() == request_reader::state::done);
  CHECK(reader.take_request().body == "ok");
  CHECK(pending == "GET /2");
}

TEST_CASE("a skipped body is stepped over and not kept") {
  request_reader reader({});
  std::string pending = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokGET /2";
  pending.erase(0, reader.feed(pending));
  REQUIRE(reader.at() == request_reader::state::header_done);
  reader.skip_body();
  pending.erase(0, reader.feed(pending));
  CHECK(reader.at() == request_reader::state::done);
  CHECK(reader.take_request().body.empty());
  CHECK(pending == "GET /2");
}

TEST_CASE("every form of a target gives its path and query") {
  CHECK(path_of("/") == "/#");
  CHECK(path_of("/a%2Fb?x=%20?y") == "/a%2Fb#x=%20?y");
  CHECK(path_of("/a?") == "/a#");
  CHECK(path_of("//a/b") == "//a/b#");
  CHECK(path_of("/redirect?to=http://x/y") == "/redirect#to=http://x/y");
  CHECK(path_of("*") == "*#");
  CHECK(path_of("http://localhost:8080/a/b?c") == "/a/b#c");
  CHECK(path_of("HTTP://localhost") == "/#");
  CHECK(path_of("https://localhost?c") == "/#c");
}

TEST_CASE("keep-alive follows the version and the Connection header") {
  auto keep_alive = [](const std::string& version, const std::string& fields) {
    request_reader reader({});
    reader.feed("GET / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n");
    REQUIRE(reader.at() == request_reader::state::header_done);
    return reader.keep_alive();
  };
  CHECK(keep_alive("1.1", ""));
  CHECK_FALSE(keep_alive("1.1", "Connection: Close\r\n"));
  CHECK_FALSE(keep_alive("1.1", "Connection: x, close\r\n"));
  CHECK_FALSE(keep_alive("1.0", ""));
  CHECK(keep_alive("1.0", "Connection: keep-alive\r\n"));
}
