#include "cli/http_client.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"

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
