// Whether destinations have what was delivered to them: `nexus doctor --consistency`.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A home of which entries were delivered and rows were deleted since.
struct robbed_home : server_home {
  std::vector<std::string> write_entries(const cli::child_server& server, int count) const {
    http_client client(server.port());
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i)
      ids.push_back(payload_id(write_content(client, "entry " + std::to_string(i))));
    wait_until_delivered(server);
    return ids;
  }

  void remove_rows(const std::vector<std::string>& ids) const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(database().c_str(), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);
    for (const auto& id : ids) {
      const std::string sql = "DELETE FROM memories WHERE payload_id = '" + id + "'";
      CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
      CHECK(sqlite3_changes(db) == 1);
    }
    sqlite3_close(db);
  }

  std::size_t rows() const {
    const auto found = cli::read_rows(database());
    if (!found) FAIL(found.reason().text);
    return found->size();
  }
};

/// The ids are named in this order by a check of everything, which goes through the log.
std::string missing_lines(const std::vector<std::string>& ids) {
  std::string text = "missing in sqlite:\n";
  for (const auto& id : ids) text += "  " + id + "\n";
  return text;
}

}  // namespace

TEST_CASE("The doctor names exactly what is missing, and brings it back, beside a server") {
  const robbed_home home;
  const auto server = home.start();
  const auto ids = home.write_entries(*server, 20);
  const auto sound = home.nexus({"doctor", "--consistency", "--all"});
  INFO(sound.out << sound.err);
  CHECK(sound.status == 0);
  CHECK(holds(sound.out, "score 1.0000\n"));

  const std::vector<std::string> gone{ids[3], ids[4], ids[11], ids[12], ids[19]};
  home.remove_rows(gone);
  const auto found = home.nexus({"doctor", "--consistency", "--all"});
  INFO(found.out << found.err);
  CHECK(found.status == 1);
  CHECK(holds(found.out, missing_lines(gone) + "score 0.7500\n"));
  CHECK(holds(home.log(), "consistency score 0.750"));
  CHECK(home.rows() == 15);
  http_client client(server->port());
  const auto status = client.request("GET", "/api/status", as(server_home::admin_token));
  CHECK(holds(status->body, "\"consistency_score\":0.75,"));
  const auto metrics = client.request("GET", "/metrics", as(server_home::admin_token));
  CHECK(holds(metrics->body, "bubblefish_consistency_score 0.75\n"));

  const auto sent = home.nexus({"doctor", "--consistency", "--all", "--redeliver"});
  INFO(sent.out << sent.err);
  CHECK(holds(sent.out, "5 entries are pending again, for the running server to deliver\n"));
  wait_until_delivered(*server);
  CHECK(home.rows() == 20);
  CHECK(home.nexus({"doctor", "--consistency", "--all"}).status == 0);
  CHECK(home.nexus({"doctor", "--consistency", "--sample", "5"}).status == 0);
  const auto unknown = home.nexus({"doctor", "--consistency", "--destination", "nobody"});
  CHECK(unknown.status == 1);
  CHECK(holds(unknown.err, "there is no destination nobody"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("Without a server the doctor reads the log itself") {
  const robbed_home home;
  std::vector<std::string> ids;
  {
    const auto server = home.start();
    ids = home.write_entries(*server, 10);
    CHECK(stop(*server) == 0);
  }
  home.remove_rows({ids[2]});
  const auto found = home.nexus(
      {"doctor", "--consistency", "--sample", "100", "--json", "--destination", "sqlite"});
  INFO(found.out << found.err);
  CHECK(found.status == 1);
  CHECK(found.out == "{\"destinations\":[{\"found\":9,\"looked_up\":10,\"missing\":[\"" + ids[2] +
                         "\"],\"missing_total\":1,\"name\":\"sqlite\",\"score\":0.9,\"skipped\":"
                         "\"\"}],\"redelivered\":0,\"score\":0.9}\n");
  const auto sent = home.nexus({"doctor", "--consistency", "--all", "--redeliver"});
  CHECK(holds(sent.out, "1 entry is pending again, for delivery after the next start\n"));
  const auto again = home.nexus({"doctor", "--consistency", "--all", "--redeliver"});
  INFO(again.out << again.err);
  CHECK(again.status == 0);  // it waits, so it is not missing
  const auto server = home.start();
  wait_until_delivered(*server);
  CHECK(home.rows() == 10);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A server that is told to checks by itself") {
  const robbed_home home;
  home.write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                                server_home::admin_token +
                                "\"\n[consistency]\nenabled = true\ninterval_seconds = 1\n");
  const auto server = home.start();
  const auto ids = home.write_entries(*server, 20);
  home.remove_rows({ids[0], ids[1], ids[2], ids[3], ids[4]});
  http_client client(server->port());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::string body;
  do {
    body = client.request("GET", "/api/status", as(server_home::admin_token))->body;
    std::this_thread::yield();
  } while (!holds(body, "\"consistency_score\":0.75,") &&
           std::chrono::steady_clock::now() < deadline);
  CHECK(holds(body, "\"consistency_score\":0.75,"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("The doctor says what it can do") {
  const server_home home;
  const auto asked = home.nexus({"doctor"});
  CHECK(asked.status == 1);
  CHECK(holds(asked.err, "--consistency"));
}
