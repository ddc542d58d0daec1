// One write, several destinations.
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// A home with a second SQLite destination, "copy", and a source "both" that writes to both.
struct two_destinations : server_home {
  explicit two_destinations(const std::string& more = "") {
    write("destinations/copy.toml",
          "[destination]\nname = \"copy\"\ntype = \"sqlite\"\ndb_path = \"" + copy() + "\"\n");
    write("sources/both.toml",
          "[source]\nname = \"both\"\napi_key = \"bfn_data_both\"\ncan_read = true\n"
          "can_write = true\ntarget_destinations = [\"sqlite\", \"copy\"]\n" +
              more +
              "[source.idempotency]\nenabled = true\n[source.mapping]\n"
              "content = \"message.content\"\n");
  }
  std::string copy() const { return path() + "/copy.db"; }
};

std::vector<cli::stored_row> rows_in(const std::string& database) {
  const auto rows = cli::read_rows(database);
  if (!rows) FAIL(rows.reason().text);
  return *rows;
}

/// What GET /query/DESTINATION answers the source "both".
std::string query(http_client& client, const std::string& destination) {
  const auto page = client.request("GET", "/query/" + destination, as("bfn_data_both"));
  REQUIRE(page);
  CHECK(page->status == 200);
  return page->body;
}

/// A home whose server was killed with one write, key "k", in the log that no destination has.
struct killed_in_between : two_destinations {
  killed_in_between() {
    for (const auto& file : {database(), copy()}) std::filesystem::create_directory(file);
    const auto server = start();
    http_client client(server->port());
    id = payload_id(write_content(client, "first", "both", {{"Idempotency-Key", "k"}}));
    server->signal(SIGKILL);
    server->wait();
  }

  std::string id;

  /// The id that a write with the same key gets from a new server.
  std::string repeat() const {
    const auto server = start();
    http_client client(server->port());
    const auto again = write_content(client, "again", "both", {{"Idempotency-Key", "k"}});
    server->signal(SIGKILL);
    server->wait();
    return payload_id(again);
  }
};

}  // namespace

TEST_CASE("A write to two destinations arrives in both, each with its own name") {
  const two_destinations home;
  const auto server = home.start();
  http_client client(server->port());
  const std::string id = payload_id(write_content(client, "for two", "both"));
  wait_until_delivered(*server);
  for (const std::string name : {"sqlite", "copy"}) {
    const std::string page = query(client, name);
    CHECK(page.find("\"payload_id\":\"" + id + "\"") != std::string::npos);
    CHECK(page.find("\"destination\":\"" + name + "\"") != std::string::npos);
    CHECK(page.find("\"result_count\":1") != std::string::npos);
  }
  CHECK(stop(*server) == 0);
  CHECK(rows_in(home.database()).size() == 1);
  CHECK(rows_in(home.copy()).size() == 1);
}

TEST_CASE("With ack = delivered the rows are there when the answer is") {
  const two_destinations home("ack = \"delivered\"\nack_timeout_ms = 60000\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto answer = write_content(client, "seen", "both");
  CHECK(answer.status == 200);
  CHECK(answer.body.find("\"status\":\"delivered\"") != std::string::npos);
  for (const auto& file : {home.database(), home.copy()}) {
    const auto rows = rows_in(file);
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].content == "seen");
  }
  CHECK(stop(*server) == 0);
}

TEST_CASE("With ack = delivered a destination that is down makes the answer 202 in time") {
  const two_destinations home("ack = \"delivered\"\nack_timeout_ms = 1000\n");
  std::filesystem::create_directory(home.copy());
  const auto server = home.start();
  http_client client(server->port());
  const auto answer = write_content(client, "half", "both");
  CHECK(answer.status == 202);
  CHECK(answer.body.find(R"("status":"durable","destinations":{"sqlite":"delivered",)"
                         R"("copy":"pending"},)") != std::string::npos);
  CHECK(rows_in(home.database()).size() == 1);
  std::filesystem::remove(home.copy());
  wait_until_delivered(*server);
  CHECK(rows_in(home.copy()).size() == 1);
  CHECK(stop(*server) == 0);
}

TEST_CASE("The key of a write whose entries all survived a crash stands for that write") {
  const killed_in_between home;
  CHECK(home.repeat() == home.id);
}

TEST_CASE("The key of a write that a crash cut in two is free again") {
  const killed_in_between home;
  std::string text = read_file(home.segment());
  // What follows is room that the killed server had set aside.
  text.resize(text.rfind('\n') + 1);
  REQUIRE_FALSE(text.empty());
  const auto last = text.rfind('\n', text.size() - 2);
  REQUIRE(last != std::string::npos);
  CHECK(text.find("\"fanout\":2", last) != std::string::npos);
  text.resize(last + 1);
  REQUIRE(text.find(home.id) != std::string::npos);
  write_file(home.segment(), text);
  CHECK(home.repeat() != home.id);
}

TEST_CASE("A destination with a mistake in its file does not keep the others from their entries") {
  const two_destinations home("ack = \"delivered\"\nack_timeout_ms = 5000\n");
  home.write("destinations/copy.toml", "[destination]\nname = \"copy\"\ntype = \"sqlte\"\n");
  const auto checked = home.nexus({"lint"});
  CHECK(checked.status == 1);
  CHECK(checked.out.find("[unknown_type]") != std::string::npos);
  {
    const auto server = home.start();
    http_client client(server->port());
    const auto answer = write_content(client, "waits for one", "both");
    CHECK(answer.status == 202);
    CHECK(answer.body.find(R"({"sqlite":"delivered","copy":"pending"})") != std::string::npos);
    CHECK(stop(*server) == 0);
    CHECK(home.log().find("[unknown_type]") != std::string::npos);
  }
  home.write(
      "destinations/copy.toml",
      "[destination]\nname = \"copy\"\ntype = \"sqlite\"\ndb_path = \"" + home.copy() + "\"\n");
  const auto server = home.start();
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  CHECK(rows_in(home.database()).size() == 1);
  REQUIRE(rows_in(home.copy()).size() == 1);
  CHECK(rows_in(home.copy())[0].content == "waits for one");
}
