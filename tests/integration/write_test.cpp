// What a client sees of the write path, over real HTTP, from a real process.
#include <csignal>
#include <string>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("What was written over HTTP can be read back over HTTP") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const std::string id = payload_id(write_content(client, "a <b> & \"c\" é😀"));
  wait_until_delivered(*server);
  const auto page = client.request("GET", "/query/sqlite?limit=5", as(server_home::main_key));
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->body.find("\"payload_id\":\"" + id + "\"") != std::string::npos);
  CHECK(page->body.find(R"("content":"a \u003cb\u003e \u0026 \"c\" é😀")") != std::string::npos);
  CHECK(page->body.find("\"result_count\":1") != std::string::npos);
}

TEST_CASE("An entry that was answered with 200 survives a kill that follows at once") {
  const server_home home;
  for (int round = 0; round < 5; ++round) {
    const auto server = home.start();
    http_client client(server->port());
    const std::string content = "round " + std::to_string(round);
    const std::string id = payload_id(write_content(client, content));
    server->signal(SIGKILL);
    CHECK(server->wait() == -SIGKILL);
    const auto again = home.start();
    wait_until_delivered(*again);
    CHECK(stop(*again) == 0);
    const auto rows = stored_contents(home);
    CHECK(rows.size() == static_cast<std::size_t>(round) + 1);
    REQUIRE(rows.contains(id));
    CHECK(rows.at(id) == content);
  }
}

TEST_CASE("Above its rate limit a source is told when to come back") {
  const server_home home;
  home.add_source("slow", "can_write = true\n[source.rate_limit]\nrequests_per_minute = 2\n");
  const auto server = home.start();
  http_client client(server->port());
  CHECK(write_content(client, "1", "slow").status == 200);
  CHECK(write_content(client, "2", "slow").status == 200);
  const auto refused = write_content(client, "3", "slow");
  CHECK(refused.status == 429);
  CHECK(refused.body.starts_with("{\"error\":\"rate_limit_exceeded\""));
  const int seconds = std::stoi(refused.header("Retry-After").value_or("0"));
  CHECK(seconds >= 1);
  CHECK(seconds <= 60);
  CHECK(write_content(client, "4").status == 200);
}

TEST_CASE("A repeated idempotency key gets the first answer and stores nothing") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto first = payload_id(write_content(client, "first", "main", {{"Idempotency-Key", "k"}}));
  const auto second =
      payload_id(write_content(client, "second", "main", {{"Idempotency-Key", "k"}}));
  CHECK(first == second);
  CHECK(stop(*server) == 0);
  const auto rows = stored_contents(home);
  REQUIRE(rows.size() == 1);
  CHECK(rows.at(first) == "first");
}

TEST_CASE("An idempotency key is remembered over a crash while its entry is pending") {
  const server_home home;
  // A directory in the database's place: nothing can be delivered until it is gone.
  std::filesystem::create_directory(home.database());
  std::string first;
  {
    const auto server = home.start();
    http_client client(server->port());
    first = payload_id(write_content(client, "first", "main", {{"Idempotency-Key", "k"}}));
    server->signal(SIGKILL);
    server->wait();
  }
  {
    const auto server = home.start();
    http_client client(server->port());
    CHECK(payload_id(write_content(client, "second", "main", {{"Idempotency-Key", "k"}})) == first);
    server->signal(SIGKILL);
    server->wait();
  }
  std::filesystem::remove(home.database());
  const auto server = home.start();
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  const auto rows = stored_contents(home);
  REQUIRE(rows.size() == 1);
  CHECK(rows.at(first) == "first");
}

TEST_CASE("Two sources don't see each other's entries") {
  const server_home home;
  home.add_source("a", "can_read = true\ncan_write = true\nnamespace = \"space-a\"\n");
  home.add_source("b", "can_read = true\ncan_write = true\nnamespace = \"space-b\"\n");
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "of a", "a"));
  payload_id(write_content(client, "of b", "b"));
  wait_until_delivered(*server);
  for (const std::string name : {"a", "b"}) {
    const std::string other = name == "a" ? "b" : "a";
    const auto page = client.request("GET", "/query/sqlite", as("bfn_data_" + name));
    REQUIRE(page);
    CHECK(page->body.find("\"content\":\"of " + name + "\"") != std::string::npos);
    CHECK(page->body.find("of " + other) == std::string::npos);
  }
}
