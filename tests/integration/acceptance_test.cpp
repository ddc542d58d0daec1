// What v0.1.2's own tests ask of its handlers, asked of this program over real HTTP.
#include <sqlite3.h>

#include <atomic>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/refusal.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// The one row of a query's first column as text.
std::string value_of(const server_home& home, const std::string& sql) {
  sqlite3* opened = nullptr;
  const int failed =
      ::sqlite3_open_v2(home.database().c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(opened, ::sqlite3_close);
  REQUIRE(failed == SQLITE_OK);
  std::string value;
  const auto take = [](void* into, int, char** columns, char**) {
    *static_cast<std::string*>(into) = columns[0] == nullptr ? "" : columns[0];
    return 0;
  };
  REQUIRE(::sqlite3_exec(database.get(), sql.c_str(), take, &value, nullptr) == SQLITE_OK);
  return value;
}

std::string ask(http_client& client, const std::string& target,
                const std::string& token = server_home::main_key) {
  const auto answer = client.request("GET", target, as(token));
  REQUIRE(answer);
  INFO(answer->body);
  REQUIRE(answer->status == 200);
  return answer->body;
}

/// The contents in an answer to a query.
std::vector<std::string> contents_of(const std::string& body) {
  // `results` come again as `records`.
  const std::string results = body.substr(0, body.find(",\"records\":"));
  const std::regex content(R"re("content":"([^"]*)")re");
  std::vector<std::string> all;
  for (std::sregex_iterator at(results.begin(), results.end(), content), end; at != end; ++at)
    all.push_back((*at)[1]);
  return all;
}

std::string cursor_of(const std::string& body) {
  std::smatch found;
  const std::regex cursor(R"re("next_cursor":"([^"]*)")re");
  return std::regex_search(body, found, cursor) ? found[1].str() : "";
}

}  // namespace

TEST_CASE("A write is answered with its payload's id, in the reference's very bytes") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto answer = write_content(client, "x");
  CHECK(answer.status == 200);
  CHECK(answer.header("Content-Type") == "application/json");
  CHECK(std::regex_match(answer.body,
                         std::regex("\\{\"payload_id\":\"[0-9a-f]{32}\",\"status\":\"accepted\"\\}"
                                    "\n")));
  CHECK_FALSE(answer.header("X-Request-Id"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("At one request a minute a known key is answered, and a new one refused") {
  const server_home home;
  home.add_source("slow",
                  "can_write = true\n[source.rate_limit]\nrequests_per_minute = 1\n"
                  "[source.idempotency]\nenabled = true\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto first = payload_id(write_content(client, "1", "slow", {{"Idempotency-Key", "k"}}));
  CHECK(payload_id(write_content(client, "1", "slow", {{"Idempotency-Key", "k"}})) == first);
  const auto third = write_content(client, "1", "slow", {{"Idempotency-Key", "another"}});
  CHECK(third.status == 429);
  check_envelope(third, "rate_limit_exceeded");
  CHECK(payload_id(write_content(client, "1", "slow", {{"X-Idempotency-Key", "k"}})) == first);
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 1);
}

TEST_CASE("What headers say of an entry is in the database, else what the source says") {
  const server_home home;
  home.add_source("bot",
                  "can_read = true\ncan_write = true\nnamespace = \"space\"\n"
                  "default_actor_type = \"agent\"\ndefault_actor_id = \"bot-1\"\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto plain = payload_id(write_content(client, "a", "bot"));
  const auto told = payload_id(write_content(client, "b", "bot",
                                             {{"X-Actor-Type", "system"},
                                              {"X-Actor-ID", "cron"},
                                              {"X-Subject", "alice"},
                                              {"X-Sensitivity-Labels", " pii, ,secret "},
                                              {"X-Classification-Tier", " internal "},
                                              {"X-Request-Id", "r-1"},
                                              {"Idempotency-Key", "k"}}));
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  const auto column = [&](const std::string& name, const std::string& id) {
    return value_of(home, "SELECT " + name + " FROM memories WHERE payload_id = '" + id + "'");
  };
  CHECK(column("actor_type", plain) == "agent");
  CHECK(column("actor_id", plain) == "bot-1");
  CHECK(column("subject", plain) == "space");
  CHECK(column("namespace", plain) == "space");
  CHECK(column("classification_tier", plain) == "public");
  CHECK(column("actor_type", told) == "system");
  CHECK(column("actor_id", told) == "cron");
  CHECK(column("subject", told) == "alice");
  CHECK(column("request_id", told) == "r-1");
  CHECK(column("idempotency_key", told) == "k");
  CHECK(column("classification_tier", told) == "internal");
  CHECK(column("sensitivity_labels", told).find("pii") != std::string::npos);
  CHECK(column("sensitivity_labels", told).find("secret") != std::string::npos);
}

TEST_CASE("Each of the three actor types is taken, and a query can ask for one") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  for (const std::string type : {"user", "agent", "system"})
    payload_id(write_content(client, "of " + type, "main", {{"X-Actor-Type", type}}));
  wait_until_delivered(*server);
  for (const std::string type : {"user", "agent", "system"})
    CHECK(contents_of(ask(client, "/query/sqlite?actor_type=" + type)) ==
          std::vector<std::string>{"of " + type});
  CHECK(contents_of(ask(client, "/query/sqlite")).size() == 3);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A page of a query has 20 rows, or as many as are asked for, up to 200") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  std::string lines;
  for (int i = 0; i < 250; ++i)
    lines += R"({"message":{"content":"n)" + std::to_string(i) + "\"}}\n";
  auto headers = as(server_home::main_key);
  headers.emplace_back("Content-Type", "application/x-ndjson");
  REQUIRE(client.request("POST", "/inbound/main/batch", headers, lines)->status == 200);
  wait_until_delivered(*server);
  const std::vector<std::pair<std::string, std::size_t>> pages{
      {"", 20},        {"?limit=0", 20},    {"?limit=-1", 20},  {"?limit=many", 20},
      {"?limit=7", 7}, {"?limit=200", 200}, {"?limit=500", 200}};
  for (const auto& [parameters, rows] : pages) {
    INFO(parameters);
    const auto body = ask(client, "/query/sqlite" + parameters);
    CHECK(contents_of(body).size() == rows);
    CHECK(body.find("\"result_count\":" + std::to_string(rows) + ",") != std::string::npos);
    CHECK(body.find("\"has_more\":true") != std::string::npos);
  }
  // From page to page, each row comes once.
  std::set<std::string> seen;
  std::size_t rows = 0;
  std::string cursor;
  do {
    const auto body = ask(client, "/query/sqlite?limit=99&cursor=" + cursor);
    for (auto& one : contents_of(body)) seen.insert(one), ++rows;
    cursor = cursor_of(body);
  } while (!cursor.empty());
  CHECK(rows == 250);
  CHECK(seen.size() == 250);
  CHECK(stop(*server) == 0);
}

TEST_CASE("The admin reads the namespace default, and nobody another's") {
  const server_home home;
  home.add_source("a", "can_read = true\ncan_write = true\nnamespace = \"default\"\n");
  home.add_source("b", "can_read = true\ncan_write = true\n");
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "of a", "a", {{"X-Subject", "b"}}));
  payload_id(write_content(client, "of b", "b", {{"X-Subject", "a"}}));
  wait_until_delivered(*server);
  const std::string subject = "/query/sqlite?subject=";
  CHECK(contents_of(ask(client, "/query/sqlite", server_home::admin_token)) ==
        std::vector<std::string>{"of a"});
  CHECK(contents_of(ask(client, subject + "b", "bfn_data_a")) == std::vector<std::string>{"of a"});
  CHECK(contents_of(ask(client, subject + "a", "bfn_data_a")).empty());
  CHECK(contents_of(ask(client, subject + "b", "bfn_data_b")).empty());
  CHECK(stop(*server) == 0);
}

TEST_CASE("A hundred clients that write, read and look at once all get what is theirs") {
  const server_home home;
  const auto server = home.start();
  constexpr int clients = 100;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i] {
      const std::string main = server_home::main_key;
      const std::string text = R"({"message":{"content":"c)" + std::to_string(i) + "\"}}";
      http_client client(server->port());
      std::optional<http_answer> answer;
      if (i % 4 == 0) answer = client.request("POST", "/inbound/main", as(main), text);
      if (i % 4 == 1) answer = client.request("GET", "/query/sqlite", as(main));
      if (i % 4 == 2) answer = client.request("GET", "/api/status", as(server_home::admin_token));
      if (i % 4 == 3) answer = client.request("GET", "/health");
      if (answer && answer->status == 200) ++good;
    });
  }
  for (auto& one : threads) one.join();
  CHECK(good == clients);
  CHECK(stop(*server) == 0);
  CHECK(cli::read_rows(home.database())->size() == clients / 4);
}
