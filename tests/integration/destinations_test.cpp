// Destinations in the operator's hands: `nexus destinations`, `nexus lint`, and the endpoints
// behind them.
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

http_answer ask(const cli::child_server& server, const std::string& method,
                const std::string& path) {
  http_client client(server.port());
  const auto answer = client.request(method, path, as(server_home::admin_token));
  REQUIRE(answer);
  return *answer;
}

/// Asks for the destinations until they read as wanted.
void wait_for(const cli::child_server& server, const std::string& part) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::string body;
  while (std::chrono::steady_clock::now() < deadline) {
    body = ask(server, "GET", "/api/destinations").body;
    if (holds(body, part)) return;
    std::this_thread::yield();
  }
  FAIL(part << " did not come: " << body);
}

std::size_t rows(const server_home& home) {
  if (!std::filesystem::exists(home.database())) return 0;
  const auto found = cli::read_rows(home.database());
  return found ? found->size() : 0;  // no table yet
}

}  // namespace

TEST_CASE("A paused destination stays paused across a restart, and what it gets waits") {
  const server_home home;
  auto server = home.start();
  const auto paused = home.nexus({"destinations", "pause", "sqlite"});
  INFO(paused.err);
  CHECK(paused.status == 0);
  CHECK(paused.out == "sqlite is paused\n");
  {
    http_client client(server->port());
    for (int i = 0; i < 5; ++i) payload_id(write_content(client, std::to_string(i)));
  }
  wait_for(*server, "\"pending\":5");
  const auto list = home.nexus({"destinations", "list"});
  CHECK(list.status == 0);
  CHECK(holds(list.out, "paused"));
  CHECK(ask(*server, "GET", "/ready").status == 200);
  CHECK(holds(ask(*server, "GET", "/metrics").body,
              "nexus_destination_paused{destination=\"sqlite\"} 1\n"));
  CHECK(holds(ask(*server, "GET", "/metrics").body,
              "nexus_destination_pending{destination=\"sqlite\"} 5\n"));
  CHECK(stop(*server) == 0);

  server = home.start();
  wait_for(*server, "\"state\":\"paused\"");
  wait_for(*server, "\"pending\":5");
  CHECK(rows(home) == 0);
  const auto resumed = home.nexus({"destinations", "resume", "sqlite"});
  CHECK(resumed.status == 0);
  CHECK(resumed.out == "sqlite is running\n");
  wait_until_delivered(*server);
  CHECK(rows(home) == 5);
  CHECK(holds(ask(*server, "GET", "/metrics").body,
              "nexus_destination_state{destination=\"sqlite\",state=\"running\"} 1\n"));
  CHECK(stop(*server) == 0);
  CHECK(read_file(home.path() + "/paused").empty());
}

TEST_CASE("Without a server pausing takes effect with the next start") {
  const server_home home;
  const auto paused = home.nexus({"destinations", "pause", "sqlite"});
  CHECK(paused.status == 0);
  CHECK(holds(paused.out, "from the next start on"));
  const auto list = home.nexus({"destinations", "list"});
  CHECK(holds(list.out, "paused"));
  CHECK(holds(list.out, "the server is not running"));
  CHECK(home.nexus({"destinations", "list", "--json"}).out ==
        R"([{"fault":"","name":"sqlite","paused":true,"type":"sqlite"}])"
        "\n");
  {
    const auto server = home.start();
    wait_for(*server, "\"state\":\"paused\"");
    CHECK(stop(*server) == 0);
  }
  CHECK(home.nexus({"destinations", "resume", "sqlite"}).status == 0);
  const auto server = home.start();
  wait_for(*server, "\"state\":\"running\"");
  CHECK(stop(*server) == 0);
}

TEST_CASE("A destination that there is not can't be paused, with a server or without") {
  const server_home home;
  const auto without = home.nexus({"destinations", "pause", "a/b c"});
  CHECK(without.status == 1);
  CHECK(holds(without.err, "there is no destination a/b c; there are: sqlite"));
  const auto server = home.start();
  const auto with = home.nexus({"destinations", "pause", "a/b c"});
  CHECK(with.status == 1);
  CHECK(holds(with.err, "there is no destination a/b c; there are: sqlite"));
  CHECK(ask(*server, "POST", "/api/destinations/nobody/pause").status == 404);
  CHECK(ask(*server, "POST", "/api/destinations/sqlite/resume").status == 200);
  CHECK(stop(*server) == 0);
  CHECK_FALSE(std::filesystem::exists(home.path() + "/paused"));
}

TEST_CASE("Testing a destination that can be used says ok and creates nothing") {
  const server_home home;
  const auto all = home.nexus({"destinations", "test"});
  INFO(all.err);
  CHECK(all.status == 0);
  CHECK(all.out == "sqlite (sqlite): ok\n");
  CHECK(home.nexus({"destinations", "test", "sqlite"}).status == 0);
  CHECK(home.nexus({"destinations", "test", "nobody"}).status == 1);
  CHECK(home.nexus({"lint"}).status == 0);
  CHECK_FALSE(std::filesystem::exists(home.database()));
  CHECK_FALSE(std::filesystem::exists(home.wal()));
}

TEST_CASE("A database that can't be used is an error of the test, and of lint unless offline") {
  const server_home home;
  write_file(home.database(), std::string(8192, 'x'));
  const auto tested = home.nexus({"destinations", "test"});
  CHECK(tested.status == 1);
  CHECK(holds(tested.out, "sqlite (sqlite): "));
  CHECK(holds(tested.out, home.database()));
  const auto lint = home.nexus({"lint"});
  CHECK(lint.status == 1);
  CHECK(holds(lint.out, "sqlite.toml:2:"));
  CHECK(holds(lint.out, "error: destination \"sqlite\": "));
  CHECK(holds(lint.out, "[destination_misconfigured]"));
  CHECK(home.nexus({"lint", "--offline"}).status == 0);
  CHECK(read_file(home.database()) == std::string(8192, 'x'));
}

TEST_CASE("A db_path below a file is named, and so are wrong tables with their lines") {
  const server_home home;
  write_file(home.path() + "/file", "x");
  home.write("destinations/other.toml",
             "[destination]\nname = \"other\"\ntype = \"sqlite\"\ndb_path = \"" + home.path() +
                 "/file/deep/x.db\"\n");
  const auto below = home.nexus({"destinations", "test", "other"});
  CHECK(below.status == 1);
  CHECK(holds(below.out + below.err, "file/deep/x.db"));

  const std::string line = GENERATE("type = \"mystery\"", "type = \"sqlite\"\nno_such_key = 1");
  home.write("destinations/other.toml", "[destination]\nname = \"other\"\n" + line + "\n");
  const auto wrong = home.nexus({"destinations", "test"});
  CHECK(wrong.status == 1);
  CHECK(holds(wrong.out + wrong.err, "other.toml:"));
  CHECK(holds(wrong.out + wrong.err,
              line.find("mystery") == std::string::npos ? "no_such_key" : "mystery"));
}
