// TLS: what honest clients do, and those who are refused.
#include <string>
#include <vector>

#include "tests/http/tls_fixture.hpp"
#include "tests/support/wait_until.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace std::chrono_literals;
using http::tls_client_auth;

namespace {

/// What a client sees whom the server cannot understand: a few bytes of TLS's own, or nothing, and
/// then an orderly end.
bool is_sent_away(http_client& client) {
  const auto answer = client.read_answer();
  return !answer;
}

}  // namespace

TEST_CASE("TLS carries pipelined requests, and large bodies both ways") {
  const tls_files files;
  tls_server running(files.server_options());
  running.handler.body_bytes_max = 10 << 20;
  tls_client client(running.server->port(), files.client_options());
  REQUIRE(client.is_open());
  CHECK(client.version() == "TLSv1.3");
  REQUIRE(client.send(get("/1") + get("/2") + get("/3")));
  for (const char* expected : {"GET /1 |", "GET /2 |", "GET /3 |"})
    CHECK(client.read_answer()->body == expected);
  std::string body(5 << 20, 'b');
  for (std::size_t i = 0; i < body.size(); i += 4093) body[i] = static_cast<char>('a' + i % 26);
  CHECK(client.request("POST", "/x", {}, body)->body == "POST /x |" + body);
  CHECK(client.request("GET", "/large")->body.size() == 64 << 20);
  REQUIRE(client.send(get("/close")));
  CHECK(client.read_answer()->status == 200);
  CHECK(client.at_end());
}

TEST_CASE("over TLS a refusal is seen even by a client that goes on sending") {
  const tls_files files;
  tls_server running(files.server_options());
  tls_client client(running.server->port(), files.client_options());
  REQUIRE(client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n"));
  for (int i = 0; i < 8; ++i) REQUIRE(client.send(std::string(1 << 20, 'b')));
  const auto answer = client.read_answer();
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(client.at_end());
}

TEST_CASE("over TLS a request that stops half way ends in 408, and its client sees that") {
  const tls_files files;
  http::server_options options;
  options.header_timeout = options.body_timeout = 200ms;
  tls_server running(files.server_options(), options);
  for (const char* half :
       {"GET /x HTTP/1.1\r\nHo", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"}) {
    tls_client client(running.server->port(), files.client_options());
    REQUIRE(client.send(half));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 408);
    CHECK(client.at_end());
  }
}

TEST_CASE("over TLS a client that does not read its answer is cut off, and holds up nobody else") {
  const tls_files files;
  http::server_options options;
  options.write_timeout = 200ms;
  tls_server running(files.server_options(), options);
  tls_client lazy(running.server->port(), files.client_options());
  REQUIRE(lazy.send(get("/large")));
  CHECK(running.serves(files.client_options()));
  CHECK(running.server->drain(30s) == 0);  // over as soon as the client is cut off
  CHECK_FALSE(lazy.read_answer());
}

TEST_CASE("versions of TLS outside of the chosen ones are refused") {
  const tls_files files;
  auto options = files.server_options();
  const auto speaks = [&](const tls_server& running, int version) {
    auto how = files.client_options();
    how.min_version = how.max_version = version;
    return running.serves(how);
  };
  {
    tls_server running(options);
    CHECK_FALSE(speaks(running, TLS1_VERSION));
    CHECK_FALSE(speaks(running, TLS1_1_VERSION));
    // A client knows before it is counted.
    wait_until([&] { return running.refused("tls_handshake_failed") == 2; });
    CHECK(speaks(running, TLS1_2_VERSION));
    CHECK(speaks(running, TLS1_3_VERSION));
  }
  {
    options.min_version = TLS1_3_VERSION;
    tls_server running(options);
    CHECK_FALSE(speaks(running, TLS1_2_VERSION));
    CHECK(speaks(running, TLS1_3_VERSION));
  }
  {
    options.min_version = TLS1_VERSION;  // by somebody who has very old clients
    options.max_version = TLS1_2_VERSION;
    tls_server running(options);
    CHECK(speaks(running, TLS1_VERSION));
    CHECK(speaks(running, TLS1_2_VERSION));
    CHECK_FALSE(speaks(running, TLS1_3_VERSION));
  }
}

TEST_CASE("HTTP/1.1 is agreed upon, and a client that offers only something else is sent away") {
  const tls_files files;
  tls_server running(files.server_options());
  auto how = files.client_options();
  how.protocols = "\x02h2\x08http/1.1";
  tls_client both(running.server->port(), how);
  CHECK(both.protocol() == "http/1.1");
  CHECK(both.request("GET", "/x")->status == 200);
  how.protocols = "\x02h2";
  CHECK_FALSE(tls_client(running.server->port(), how).is_open());
  CHECK(running.serves(files.client_options()));
}

TEST_CASE("a new handshake within a connection is refused") {
  const tls_files files;
  tls_server running(files.server_options());
  auto how = files.client_options();
  how.max_version = TLS1_2_VERSION;
  tls_client client(running.server->port(), how);
  CHECK(client.request("GET", "/x")->status == 200);
  CHECK_FALSE(client.renegotiate());
  CHECK(running.serves(how));
}

TEST_CASE("plain HTTP to a TLS port is told so, other bytes end the handshake, and others go on") {
  const tls_files files;
  tls_server running(files.server_options());
  tls_client other(running.server->port(), files.client_options());
  for (const char* method : {"GET", "POST"}) {
    auto plain = running.connect();
    const auto answer = plain.request(method, "/x");
    REQUIRE(answer);
    CHECK(answer->status == 400);
    CHECK(answer->body.find("\"tls_required\"") != std::string::npos);
    CHECK(plain.at_end());
  }
  CHECK(running.refused("tls_required") == 2);
  const std::string client_hello_of_ssl_2("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", 11);
  const std::vector<std::string> garbage{
      "SSH-2.0-OpenSSH_9.2\r\n", std::string(100, '\0'), std::string(100'000, 'x'),
      std::string("\x16\x03\x01\xff\xff\x01", 6) + std::string(70'000, 'x'),
      client_hello_of_ssl_2 + std::string(40, 'x')};
  for (const auto& bytes : garbage) {
    INFO(bytes.substr(0, 10));
    auto client = running.connect();
    client.send(bytes);
    CHECK(is_sent_away(client));
  }
  CHECK(running.refused("tls_handshake_failed") == static_cast<double>(garbage.size()));
  CHECK(other.request("GET", "/x")->status == 200);
}

TEST_CASE("a handshake that does not come, or stops, ends with its deadline") {
  const tls_files files;
  http::server_options options;
  options.header_timeout = 200ms;
  tls_server running(files.server_options(), options);
  std::vector<http_client> stalled;
  for (int i = 0; i < 50; ++i) {
    stalled.push_back(running.connect());
    if (i % 2 == 0) REQUIRE(stalled.back().send("\x16\x03\x01"));
  }
  CHECK(running.serves(files.client_options()));
  for (auto& client : stalled) CHECK(client.at_end());
  CHECK(running.refused("tls_handshake_timeout") == 50);
}

TEST_CASE("those who only look whether somebody listens are no failed handshakes") {
  const tls_files files;
  tls_server running(files.server_options());
  {
    auto looks = running.connect();
    looks.finish_sending();
    CHECK(looks.at_end());
  }
  CHECK(running.serves(files.client_options()));
  CHECK(running.refused("tls_handshake_failed") == 0);
}

TEST_CASE("where client certificates are required, only those of the authority get in") {
  const tls_files files;
  tls_server running(files.server_options(tls_client_auth::required));
  files.write("late", certificate("late", files.ca, {-7200, -3600}));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    INFO(version);
    for (const auto& [name, gets_in] : std::vector<std::pair<std::string, bool>>{
             {"", false}, {"stranger", false}, {"late", false}, {"client", true}}) {
      INFO(name);
      auto how = files.client_options(name);
      how.max_version = version;
      CHECK(running.serves(how) == gets_in);
    }
  }
  CHECK(running.refused("tls_handshake_failed") == 6);
}

TEST_CASE("where client certificates are taken if given, a wrong one is worse than none") {
  const tls_files files;
  tls_server running(files.server_options(tls_client_auth::if_given));
  CHECK(running.serves(files.client_options()));
  CHECK(running.serves(files.client_options("client")));
  CHECK_FALSE(running.serves(files.client_options("stranger")));
}

TEST_CASE("sessions are resumed, but not where clients show certificates") {
  const tls_files files;
  for (const auto clients : {tls_client_auth::none, tls_client_auth::required}) {
    tls_server running(files.server_options(clients));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      INFO(version);
      auto how = files.client_options("client");
      how.max_version = version;
      tls_client first(running.server->port(), how);
      CHECK(first.request("GET", "/x")->status == 200);
      how.session = first.session();
      tls_client second(running.server->port(), how);
      CHECK(second.request("GET", "/x")->status == 200);
      CHECK(second.was_resumed() == (clients == tls_client_auth::none));
    }
  }
}

TEST_CASE("connections over the limit are closed without the price of a handshake") {
  const tls_files files;
  http::server_options options;
  options.connections_max = 1;
  tls_server running(files.server_options(), options);
  tls_client first(running.server->port(), files.client_options());
  CHECK(first.request("GET", "/x")->status == 200);
  CHECK_FALSE(tls_client(running.server->port(), files.client_options()).is_open());
  CHECK(running.refused("too_many_connections") == 1);
  CHECK(first.request("GET", "/x")->status == 200);
}

TEST_CASE("drain ends TLS connections in every phase, and lets the request in progress end") {
  const tls_files files;
  tls_server running(files.server_options());
  auto shaking = running.connect();
  REQUIRE(shaking.send("\x16\x03\x01"));
  tls_client idle(running.server->port(), files.client_options());
  CHECK(idle.request("GET", "/x")->status == 200);
  tls_client busy(running.server->port(), files.client_options());
  REQUIRE(busy.send(get("/hold")));
  running.handler.wait_held(1);
  running.handler.take_held().front()(test_handler::answer(200, "late"));
  CHECK(running.server->drain(60s) == 0);
  CHECK_FALSE(idle.read_answer());
  CHECK(shaking.at_end());
  CHECK(busy.read_answer()->body == "late");
}
