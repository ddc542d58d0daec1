// Each class of token at each endpoint: who is let in, and what the others are told.
#include <string>
#include <vector>

#include "tests/integration/refusal.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

enum class level { open, write, read, admin };

struct endpoint {
  std::string method;
  std::string path;
  level needs;
};

/// All but POST /api/shutdown, which ends the server.
const std::vector<endpoint> endpoints{
    {"GET", "/health", level::open},
    {"GET", "/ready", level::open},
    {"POST", "/inbound/main", level::write},
    {"POST", "/inbound/main/batch", level::write},
    {"POST", "/v1/memories", level::write},
    {"POST", "/v1/logs", level::write},
    {"POST", "/events", level::write},
    {"GET", "/query/sqlite", level::read},
    {"GET", "/api/status", level::admin},
    {"GET", "/api/config", level::admin},
    {"GET", "/api/policies", level::admin},
    {"GET", "/api/lint", level::admin},
    {"POST", "/api/reload", level::admin},
    {"GET", "/metrics", level::admin},
    {"GET", "/api/destinations", level::admin},
    {"POST", "/api/destinations/sqlite/pause", level::admin},
    {"POST", "/api/destinations/sqlite/resume", level::admin},
    {"POST", "/api/consistency", level::admin},
    {"GET", "/api/dlq", level::admin},
    {"GET", "/api/dlq/x", level::admin},
    {"POST", "/api/dlq/redrive", level::admin},
    {"POST", "/api/dlq/purge", level::admin},
    {"GET", "/api/security/events", level::admin},
    {"GET", "/api/security/summary", level::admin},
    {"GET", "/api/audit/log", level::admin},
    {"GET", "/api/audit/stats", level::admin},
    {"GET", "/api/audit/export", level::admin},
};

struct token {
  std::string what;
  std::string authorization;  ///< the header's value; empty: none
  std::vector<level> opens;
  std::string refusal;  ///< the code where it does not open
};

std::vector<token> tokens() {
  const auto bearer = [](const std::string& key) { return "Bearer " + key; };
  const std::string main = server_home::main_key;
  const std::vector<level> data{level::open, level::write, level::read};
  const std::vector<level> nothing{level::open};
  return {
      {"none", "", nothing, "unauthorized"},
      {"an empty one", "Bearer ", nothing, "unauthorized"},
      {"an unknown one", bearer("bfn_data_nobody"), nothing, "unauthorized"},
      {"a source's, one letter short", bearer(main.substr(0, main.size() - 1)), nothing,
       "unauthorized"},
      {"a source's and one letter more", bearer(main + "x"), nothing, "unauthorized"},
      {"a source's in another scheme", "Basic " + main, nothing, "unauthorized"},
      {"a source's in lower case", "bearer " + main, nothing, "unauthorized"},
      {"a source's without a scheme", main, nothing, "unauthorized"},
      {"a source's", bearer(main), data, "wrong_token_class"},
      {"a source's second one", bearer("bfn_data_next"), data, "wrong_token_class"},
      {"a source's between spaces", "Bearer   " + main + "  ", data, "wrong_token_class"},
      {"the admin's",
       bearer(server_home::admin_token),
       {level::open, level::read, level::admin},
       "wrong_token_class"},
      {"MCP's", bearer("bfn_mcp_key"), nothing, "wrong_token_class"},
  };
}

bool opens(const token& one, level needs) {
  for (const level each : one.opens)
    if (each == needs) return true;
  return false;
}

void check(http_client& client, const endpoint& at, const token& with) {
  INFO(at.method << " " << at.path << " with " << with.what);
  header_list headers;
  if (!with.authorization.empty()) headers.emplace_back("Authorization", with.authorization);
  const auto answer = client.request(at.method, at.path, headers);
  REQUIRE(answer);
  CHECK_FALSE(answer->header("WWW-Authenticate"));
  if (opens(with, at.needs)) {
    CHECK(answer->status != 401);
  } else if (at.path == "/v1/logs") {
    CHECK(answer->status == 401);
    CHECK(answer->body.starts_with(R"({"code":16,"error":")" + with.refusal + "\""));
  } else {
    CHECK(answer->status == 401);
    check_envelope(*answer, with.refusal);
  }
}

}  // namespace

TEST_CASE("Each class of token opens its own endpoints, and is told why not at all others") {
  const server_home home;
  home.write("daemon.toml", std::string("[daemon]\nadmin_token = \"") + server_home::admin_token +
                                "\"\n[daemon.mcp]\napi_key = \"bfn_mcp_key\"\n");
  home.add_source("main", "can_read = true\ncan_write = true\napi_keys = [\"bfn_data_next\"]\n");
  const auto server = home.start();
  http_client client(server->port());
  for (const auto& with : tokens())
    for (const auto& at : endpoints) check(client, at, with);
  for (const auto& with : tokens())
    if (!opens(with, level::admin)) check(client, {"POST", "/api/shutdown", level::admin}, with);
  const auto last = client.request("POST", "/api/shutdown", as(server_home::admin_token));
  REQUIRE(last);
  CHECK(last->status == 202);
  CHECK(last->body == "{\"status\":\"shutting_down\"}\n");
  CHECK(server->wait() == 0);
  for (const std::string secret : {server_home::admin_token, server_home::main_key, "bfn_mcp_key"})
    CHECK(home.log().find(secret) == std::string::npos);
}

TEST_CASE("Without an MCP key a token in its place is an unknown one") {
  const server_home home;
  const auto server = home.start();
  check_refusals(
      *server,
      {{"a write", "POST", "/inbound/main", "bfn_mcp_key", {}, "{}", 401, "unauthorized"},
       {"a page of the admin", "GET", "/api/status", "bfn_mcp_key", {}, "", 401, "unauthorized"}});
  CHECK(stop(*server) == 0);
}
