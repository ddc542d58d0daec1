// What a client sees of the write path, over real HTTP, from a real process.
#include <csignal>
#include <string>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

/// Contents of all rows, by payload id.
std::unordered_map<std::string, std::string> rows_of(const server_home& home) {
  const auto rows = cli::read_rows(home.database());
  if (!rows) FAIL(rows.reason().text);
  std::unordered_map<std::string, std::string> out;
  for (const auto& row : *rows) out[row.payload_id] = row.content;
  REQUIRE(out.size() == rows->size());
  return out;
}

struct refusal {
  std::string what;
  std::string source;  ///< in the path
  std::string token;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int status;
  std::string code;
};

std::vector<refusal> all_refusals() {
  const std::string ok = R"({"message":{"content":"x"}})";
  const std::string big = R"({"message":{"content":")" + std::string(200, 'x') + R"("}})";
  return {
      {"no token", "main", "", {}, ok, 401, "unauthorized"},
      {"unknown token", "main", "nobody's", {}, ok, 401, "unauthorized"},
      {"admin token", "main", server_home::admin_token, {}, ok, 401, "wrong_token_class"},
      {"a source that may not write",
       "reader",
       "bfn_data_reader",
       {},
       ok,
       403,
       "source_not_permitted_to_write"},
      {"another source's address", "small", "bfn_data_main", {}, ok, 403, "source_mismatch"},
      {"a destination that policy forbids",
       "elsewhere",
       "bfn_data_elsewhere",
       {},
       ok,
       403,
       "policy_denied"},
      {"an operation that policy forbids",
       "only_reads",
       "bfn_data_only_reads",
       {},
       ok,
       403,
       "policy_denied"},
      {"not JSON by its type",
       "main",
       "bfn_data_main",
       {{"Content-Type", "text/plain"}},
       ok,
       415,
       "unsupported_media_type"},
      {"too large", "small", "bfn_data_small", {}, big, 413, "payload_too_large"},
      {"an empty body", "main", "bfn_data_main", {}, "", 400, "invalid_json"},
      {"half a value", "main", "bfn_data_main", {}, "{\"message\":", 400, "invalid_json"},
      {"an unknown actor type",
       "main",
       "bfn_data_main",
       {{"X-Actor-Type", "User"}},
       ok,
       400,
       "invalid_actor_type"},
      {"an unknown tier",
       "main",
       "bfn_data_main",
       {{"X-Classification-Tier", "secret"}},
       ok,
       400,
       "invalid_classification_tier"},
  };
}

void check_refusal(const cli::child_server& server, const refusal& one) {
  INFO(one.what);
  http_client client(server.port());
  auto headers = one.headers;
  if (!one.token.empty()) headers.emplace_back("Authorization", "Bearer " + one.token);
  const auto answer = client.request("POST", "/inbound/" + one.source, headers, one.body);
  REQUIRE(answer);
  CHECK(answer->status == one.status);
  CHECK(answer->body.starts_with("{\"error\":\"" + one.code + "\",\"message\":\""));
  CHECK(answer->body.find("\"details\":{}") != std::string::npos);
}

}  // namespace

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
    const auto rows = rows_of(home);
    CHECK(rows.size() == static_cast<std::size_t>(round) + 1);
    REQUIRE(rows.contains(id));
    CHECK(rows.at(id) == content);
  }
}

TEST_CASE("Every refusal of a write has its status and its code") {
  const server_home home;
  home.add_source("reader", "can_read = true\n");
  home.add_source("elsewhere",
                  "can_write = true\n[source.policy]\nallowed_destinations = [\"other\"]\n");
  home.add_source("only_reads",
                  "can_write = true\n[source.policy]\nallowed_operations = [\"read\"]\n");
  home.add_source("small", "can_write = true\n[source.payload_limits]\nmax_bytes = 100\n");
  home.write("destinations/other.toml",
             "[destination]\nname = \"other\"\ntype = \"sqlite\"\ndb_path = \"" + home.path() +
                 "/other.db\"\n");
  const auto server = home.start();
  for (const auto& one : all_refusals()) check_refusal(*server, one);

  http_client client(server->port());
  CHECK(client.request("GET", "/nowhere")->status == 404);
  CHECK(client.request("GET", "/inbound/main")->status == 405);
  CHECK(stop(*server) == 0);
  const auto stored =
      run_program({NEXUS_PROGRAM, "wal", "export", "--dir", home.wal(), "--status", "all"});
  CHECK(stored.status == 0);
  CHECK(stored.out.empty());
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
  const auto rows = rows_of(home);
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
  const auto rows = rows_of(home);
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
