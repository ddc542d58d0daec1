#include "cli/http_client.hpp"

#include <unistd.h>

#include "cli/home.hpp"
#include "cli/server_api.hpp"
#include "config/certificate.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/variable.hpp"

using namespace nexus;
using namespace nexus::cli;

namespace {

http_client::request write_that(const std::string& words) {
  return {"POST", "/inbound/x", "token", {{"X-Team", "blue"}}, R"({"do":")" + words + R"("})"};
}

}  // namespace

TEST_CASE("the server's status and body come back, over one connection") {
  test::http_receiver receiver;
  http_client client("127.0.0.1", receiver.port());
  const auto written = client.send(write_that("status=429;body=slow down"));
  REQUIRE(written.ok());
  CHECK(written->status == 429);
  CHECK(written->body == "slow down");
  const auto read = client.send({"GET", "/do/body=yes/x", "", {}, ""});
  REQUIRE(read.ok());
  CHECK(read->status == 200);
  CHECK(read->body == "yes");

  const auto all = receiver.take().requests;
  REQUIRE(all.size() == 2);
  CHECK(all[0].method == "POST");
  CHECK(all[0].path == "/inbound/x");
  CHECK(all[0].headers.at("authorization") == "Bearer token");
  CHECK(all[0].headers.at("x-team") == "blue");
  CHECK(all[0].body == write_that("status=429;body=slow down").body);
  CHECK(all[1].method == "GET");
  CHECK(all[1].path == "/do/body=yes/x");
  CHECK_FALSE(all[1].headers.contains("authorization"));
  CHECK_FALSE(all[1].headers.contains("x-team"));
  CHECK(all[1].body.empty());
  CHECK(all[0].connection == all[1].connection);
}

TEST_CASE("a POST without a body stays one") {
  test::http_receiver receiver;
  http_client client("127.0.0.1", receiver.port());
  REQUIRE(client.send({"POST", "/api/shutdown", "token", {}, ""}).ok());
  const auto all = receiver.take().requests;
  REQUIRE(all.size() == 1);
  CHECK(all[0].method == "POST");
  CHECK(all[0].headers.at("content-length") == "0");
}

TEST_CASE("a request is not repeated where the connection breaks before its answer") {
  test::http_receiver receiver;
  http_client client("127.0.0.1", receiver.port());
  for (const std::string words : {"drop", "cut", "cut-body"}) {
    INFO(words);
    REQUIRE(client.send(write_that("")).ok());
    const auto broken = client.send(write_that(words));
    REQUIRE_FALSE(broken.ok());
    CHECK(broken.reason().code == core::errc::unreachable);
    CHECK(receiver.take().requests.size() == 2);
  }
  CHECK(client.send(write_that("")).ok());
}

TEST_CASE("a server that hangs or is not there is unreachable") {
  auto receiver = std::make_unique<test::http_receiver>();
  const std::uint16_t port = receiver->port();
  http_client client("127.0.0.1", port, std::chrono::seconds(1));
  const auto late = client.send(write_that("hang"));
  REQUIRE_FALSE(late.ok());
  CHECK(late.reason().text == "127.0.0.1:" + std::to_string(port) + ": no answer in time");
  receiver.reset();
  const auto nobody = client.send(write_that(""));
  REQUIRE_FALSE(nobody.ok());
  CHECK(nobody.reason().code == core::errc::unreachable);
}

TEST_CASE("a server that speaks TLS is known by its key, and by nothing else") {
  const test::temp_dir dir;
  test::http_receiver receiver({.tls = dir.path()});
  const auto pin_of = [&](const std::string& file) {
    return config::read_certificate(test::read_file(dir / file))->public_key_pin;
  };
  const auto ask = [&](const std::string& pin) {
    http_client client("127.0.0.1", receiver.port(), std::chrono::seconds(30),
                       client_tls{pin, {}, {}});
    return client.send(write_that("body=well"));
  };
  const auto answer = ask(pin_of("server.pem"));
  REQUIRE(answer.ok());
  CHECK(answer->body == "well");
  REQUIRE(receiver.take().requests.size() == 1);

  const auto other = ask(pin_of("other.pem"));
  REQUIRE_FALSE(other.ok());
  CHECK(other.reason().code == core::errc::unreachable);
  CHECK(other.reason().text.find("daemon.tls.cert_file") != std::string::npos);
  CHECK(receiver.take().requests.empty());  // and so no token
  http_client plain("127.0.0.1", receiver.port());
  CHECK_FALSE(plain.send(write_that("")).ok());
}

TEST_CASE("a server that asks for a certificate is shown the one that the environment names") {
  const test::temp_dir dir;
  test::http_receiver receiver({.tls = dir.path(), .wants_client_certificate = true});
  const running_server server{1, "127.0.0.1", receiver.port(), true};
  server_access with{config::secret("token"), {}};
  with.tls.enabled = true;
  with.tls.cert_file = dir / "server.pem";
  with.tls.clients = config::client_auth::required;
  const auto ask = [&] {
    return ask_server(server, with, "GET", "/do/body={}/x", "", std::chrono::seconds(30));
  };
  const test::variable no_key("NEXUS_CLIENT_KEY", nullptr);
  {
    const test::variable unset("NEXUS_CLIENT_CERT", nullptr);
    const auto refused = ask();
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.reason().text.find("NEXUS_CLIENT_CERT") != std::string::npos);
  }
  {
    const test::variable wrong("NEXUS_CLIENT_CERT", (dir / "other.pem").c_str());
    CHECK_FALSE(ask().ok());
  }
  const test::variable right("NEXUS_CLIENT_CERT", (dir / "server.pem").c_str());
  const auto answer = ask();
  if (!answer) FAIL(answer.reason().text);
  CHECK(*answer == "{}");
}

TEST_CASE(
    "TLS that was switched off in the configuration since the start is no way to the server") {
  const running_server server{1, "127.0.0.1", 1, true};
  const auto refused = connect(server, {}, std::chrono::seconds(1));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::bad_config);
}

TEST_CASE("the note of a running server says whether it speaks TLS") {
  const test::temp_dir home;
  for (const bool tls : {true, false}) {
    REQUIRE(write_running(home.path(), {::getpid(), "::1", 8080, tls}).ok());
    const auto found = find_running(home.path());
    REQUIRE(found);
    CHECK(found->host == "::1");
    CHECK(found->port == 8080);
    CHECK(found->tls == tls);
  }
}
