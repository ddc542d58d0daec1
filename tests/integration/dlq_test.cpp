// Dead letters: `nexus dlq` and the endpoints behind it, beside a server and without one.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
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

/// A home whose database refuses every row with "bad" in it, until it is told otherwise: such an
/// entry fails for good.
struct strict_home : server_home {
  strict_home() {
    const auto server = start();  // makes the table
    http_client client(server->port());
    payload_id(write_content(client, "good"));
    wait_until_delivered(*server);
    REQUIRE(stop(*server) == 0);
    run("CREATE TRIGGER strict BEFORE INSERT ON memories WHEN NEW.content LIKE 'bad%' "
        "BEGIN SELECT RAISE(ABORT, 'bad words'); END");
  }

  void accept_everything() const { run("DROP TRIGGER strict"); }

  /// Writes an entry that fails; returns its payload id.
  std::string write_bad(http_client& client, const std::string& content,
                        const std::string& source = "main") const {
    return payload_id(write_content(client, "bad " + content, source));
  }

  std::vector<std::string> contents() const {
    const auto rows = cli::read_rows(database());
    if (!rows) FAIL(rows.reason().text);
    std::vector<std::string> out;
    for (const auto& row : *rows) out.push_back(row.content);
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  void run(const char* sql) const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(database().c_str(), &db) == SQLITE_OK);
    sqlite3_busy_timeout(db, 10'000);
    const int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    sqlite3_close(db);
    REQUIRE(code == SQLITE_OK);
  }
};

/// Entries are failed a moment after they are no longer pending in the queue's eyes: asks until the
/// server keeps that many dead letters.
void wait_for_dead_letters(const cli::child_server& server, std::size_t count) {
  http_client client(server.port());
  const std::string wanted = "\"dead_letters\":" + std::to_string(count) + ",";
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  std::string body;
  do {
    const auto answer = client.request("GET", "/api/status", as(server_home::admin_token));
    REQUIRE(answer);
    body = answer->body;
  } while (!holds(body, wanted) && std::chrono::steady_clock::now() < deadline);
  INFO(body);
  REQUIRE(holds(body, wanted));
}

http_answer ask(const cli::child_server& server, const std::string& method, const std::string& path,
                const std::string& body = "") {
  http_client client(server.port());
  const auto answer = client.request(method, path, as(server_home::admin_token), body);
  REQUIRE(answer);
  return *answer;
}

}  // namespace

TEST_CASE("Dead letters are listed and shown beside a running server") {
  const strict_home home;
  home.add_source("other", "can_write = true\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto first = home.write_bad(client, "first");
  const auto second = home.write_bad(client, "second", "other");
  wait_for_dead_letters(*server, 2);

  const auto list = home.nexus({"dlq", "list"});
  INFO(list.out << list.err);
  CHECK(list.status == 0);
  CHECK(list.out.starts_with("payload id "));
  CHECK(list.out.find(first) < list.out.find(second));
  CHECK(holds(list.out, "bad words"));
  CHECK(holds(list.out, "2 dead letters\n"));
  const auto json = home.nexus({"dlq", "list", "--json", "--source", "other"});
  CHECK(json.status == 0);
  CHECK(json.out.starts_with("{\"dead_letters\":[{\"destination\":\"sqlite\",\"failed_at\":\"20"));
  CHECK(holds(json.out, second));
  CHECK_FALSE(holds(json.out, first));
  CHECK(holds(json.out, "\"total\":1}"));
  CHECK(home.nexus({"dlq", "list", "--destination", "nowhere"}).out == "no dead letters\n");

  const auto shown = home.nexus({"dlq", "show", first});
  CHECK(shown.status == 0);
  CHECK(holds(shown.out, "reason           SQLite refused to insert a row: bad words"));
  CHECK(holds(shown.out, "\"content\":\"bad first\""));
  const auto object = home.nexus({"dlq", "show", first, "--json"});
  CHECK(object.status == 0);
  CHECK(object.out == ask(*server, "GET", "/api/dlq/" + first).body);
  const auto unknown = home.nexus({"dlq", "show", "nobody"});
  CHECK(unknown.status == 1);
  CHECK(unknown.out.empty());
  CHECK(holds(unknown.err, "no dead letter has the payload id nobody"));

  CHECK(holds(home.nexus({"status"}).out, "2 dead letters"));
  CHECK(holds(ask(*server, "GET", "/metrics").body, "\nnexus_dead_letters 2\n"));
  CHECK(holds(ask(*server, "GET", "/api/dlq?limit=1").body, "\"total\":2}"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A list that its reader did not get is a failure") {
  const strict_home home;
  const std::vector<std::vector<std::string>> lists{
      {"dlq", "list", "--json"},   {"wal", "inspect"},       {"wal", "export", "--status", "all"},
      {"wal", "verify"},           {"destinations", "list"}, {"lint", "--offline"},
      {"doctor", "--consistency"},
  };
  for (auto words : lists) {
    INFO(words.front() << " " << words.back());
    words.insert(words.begin(), NEXUS_PROGRAM);
    words.insert(words.end(), {"--home", home.path()});
    const auto lost = run_program(words, "/dev/full");
    CHECK(lost.status == 1);
    CHECK(holds(lost.err, "standard output does not take everything"));
  }
}

TEST_CASE("What is redriven through a running server is delivered without a restart") {
  const strict_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto first = home.write_bad(client, "first");
  home.write_bad(client, "second");
  home.write_bad(client, "third");
  wait_for_dead_letters(*server, 3);

  // The destination still refuses it: it is a dead letter once more.
  CHECK(home.nexus({"dlq", "redrive", first}).status == 0);
  wait_for_dead_letters(*server, 3);
  home.accept_everything();
  const auto one = home.nexus({"dlq", "redrive", first});
  INFO(one.out << one.err);
  CHECK(one.status == 0);
  CHECK(one.out == "1 dead letter is pending again, for the running server to deliver\n");
  wait_until_delivered(*server);
  CHECK(home.contents() == std::vector<std::string>{"bad first", "good"});
  const auto again = home.nexus({"dlq", "redrive", first});
  CHECK(again.status == 1);
  CHECK(holds(again.err, "no dead letter has the payload id " + first));

  const auto rest = home.nexus({"dlq", "redrive", "--all", "--json"});
  CHECK(rest.status == 0);
  CHECK(rest.out == "{\"count\":2}\n");
  wait_until_delivered(*server);
  CHECK(home.contents() ==
        std::vector<std::string>{"bad first", "bad second", "bad third", "good"});
  CHECK(home.nexus({"dlq", "list"}).out == "no dead letters\n");
  CHECK(stop(*server) == 0);
}

TEST_CASE("Without a server redriven entries are delivered after the next start") {
  const strict_home home;
  {
    const auto server = home.start();
    http_client client(server->port());
    home.write_bad(client, "first");
    home.write_bad(client, "second");
    wait_for_dead_letters(*server, 2);
    REQUIRE(stop(*server) == 0);
  }
  CHECK(holds(home.nexus({"dlq", "list"}).out, "2 dead letters\n"));
  home.accept_everything();
  const auto sent = run_program(
      {NEXUS_PROGRAM, "dlq", "redrive", "--dir", home.wal(), "--destination", "sqlite"});
  INFO(sent.err);
  CHECK(sent.status == 0);
  CHECK(sent.out == "2 dead letters are pending again, for delivery after the next start\n");
  const auto server = home.start();
  wait_until_delivered(*server);
  CHECK(home.contents() == std::vector<std::string>{"bad first", "bad second", "good"});
  CHECK(stop(*server) == 0);
}

TEST_CASE("Purging needs a yes, and then the dead letters are gone") {
  const strict_home home;
  auto server = home.start();
  http_client client(server->port());
  const auto first = home.write_bad(client, "first");
  home.write_bad(client, "second");
  wait_for_dead_letters(*server, 2);
  const auto unasked = home.nexus({"dlq", "purge", "--all"});
  CHECK(unasked.status == 1);
  CHECK(holds(unasked.err, "--yes"));
  wait_for_dead_letters(*server, 2);
  const auto purged = home.nexus({"dlq", "purge", first, "--yes"});
  CHECK(purged.status == 0);
  CHECK(purged.out == "1 dead letter is given up for good\n");
  wait_for_dead_letters(*server, 1);
  CHECK(stop(*server) == 0);
  const auto rest = home.nexus({"dlq", "purge", "--all", "--yes", "--json"});
  CHECK(rest.out == "{\"count\":1}\n");
  home.accept_everything();
  server = home.start();
  wait_for_dead_letters(*server, 0);
  CHECK(stop(*server) == 0);
  CHECK(home.contents() == std::vector<std::string>{"good"});
}

TEST_CASE("Which dead letters are meant must be said") {
  const strict_home home;
  for (const std::string command : {"redrive", "purge"}) {
    const auto unclear = home.nexus({"dlq", command});
    CHECK(unclear.status == 1);
    CHECK(holds(unclear.err, "which dead letters?"));
    CHECK(home.nexus({"dlq", command, "--all", "some-id"}).status == 1);
  }
  CHECK(home.nexus({"dlq", "show"}).status == 1);
}

TEST_CASE("A log that somebody else has is not changed, and the message says who has it") {
  const strict_home home;
  const auto server = home.start();
  http_client client(server->port());
  home.write_bad(client, "first");
  wait_for_dead_letters(*server, 1);
  const auto refused = run_program({NEXUS_PROGRAM, "dlq", "redrive", "--dir", home.wal(), "--all"});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "process " + std::to_string(server->pid())));
  CHECK(holds(refused.err, "--home"));
  wait_for_dead_letters(*server, 1);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A directory that is not there is no log without dead letters") {
  const temp_dir place;
  for (const std::string command : {"list", "redrive"}) {
    std::vector<std::string> words{NEXUS_PROGRAM, "dlq", command, "--dir", place / "nothing"};
    if (command == "redrive") words.push_back("--all");
    const auto missing = run_program(words);
    CHECK(missing.status == 1);
    CHECK(holds(missing.err, place / "nothing"));
    CHECK_FALSE(std::filesystem::exists(place / "nothing"));
  }
}

TEST_CASE("The server refuses dead-letter requests that are not the admin's or not clear") {
  const strict_home home;
  const auto server = home.start();
  http_client client(server->port());
  home.write_bad(client, "first");
  wait_for_dead_letters(*server, 1);
  CHECK(client.request("GET", "/api/dlq", as(server_home::main_key))->status == 401);
  CHECK(client.request("POST", "/api/dlq/purge", as(server_home::main_key), "{\"all\":true}")
            ->status == 401);
  CHECK(ask(*server, "POST", "/api/dlq/purge", "{}").status == 400);
  CHECK(ask(*server, "GET", "/api/dlq/purge").status == 405);
  CHECK(ask(*server, "GET", "/api/dlq/nobody").status == 404);
  const auto purged = ask(*server, "POST", "/api/dlq/purge", "{\"all\":true,\"source\":\"x\"}");
  CHECK(purged.body == "{\"count\":0}\n");
  wait_for_dead_letters(*server, 1);
  CHECK(stop(*server) == 0);
}
