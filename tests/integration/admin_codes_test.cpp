// Every refusal of a query and of the admin's requests, and those of the server itself, over real
// HTTP.
#include <string>
#include <vector>

#include "tests/integration/refusal.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string admin = server_home::admin_token;

refusal query(const std::string& what, const std::string& source, const std::string& target,
              int status, const std::string& code) {
  return {what, "GET", target, "bfn_data_" + source, {}, "", status, code};
}

void add_readers(const server_home& home) {
  home.add_source("writer", "can_write = true\n");
  const std::string reads = "can_read = true\n[source.policy]\n";
  home.add_source("elsewhere", reads + "allowed_destinations = [\"other\"]\n");
  home.add_source("only_writes", reads + "allowed_operations = [\"write\"]\n");
  home.add_source("modes", reads + "allowed_retrieval_modes = [\"semantic\"]\n");
  home.add_source("profiles", reads + "allowed_profiles = [\"fast\"]\n");
  home.write("destinations/other.toml",
             "[destination]\nname = \"other\"\ntype = \"sqlite\"\ndb_path = \"" + home.path() +
                 "/other.db\"\n");
}

struct raw_refusal {
  std::string what;
  std::string bytes;
  int status;
  std::string code;
};

}  // namespace

TEST_CASE("Every refusal of a query has its status and its code, in the reference's order") {
  const server_home home;
  add_readers(home);
  const auto server = home.start();
  const std::string all_wrong = "?actor_type=robot&profile=slow&cursor=!";
  check_refusals(
      *server,
      {
          {"no token", "GET", "/query/sqlite", "", {}, "", 401, "unauthorized"},
          query("may not read", "writer", "/query/sqlite" + all_wrong, 403,
                "source_not_permitted_to_read"),
          query("actor type first", "elsewhere", "/query/sqlite" + all_wrong, 400,
                "invalid_actor_type"),
          query("an actor type in upper case", "main", "/query/sqlite?actor_type=User", 400,
                "invalid_actor_type"),
          query("then the profile", "elsewhere", "/query/sqlite?profile=slow&cursor=!", 400,
                "invalid_profile"),
          query("then the cursor", "elsewhere", "/query/sqlite?cursor=!", 400, "invalid_cursor"),
          query("a cursor that is no number", "main", "/query/sqlite?cursor=YQ==", 400,
                "invalid_cursor"),
          query("another destination", "elsewhere", "/query/sqlite", 403,
                "destination_not_allowed"),
          query("another operation", "only_writes", "/query/sqlite", 403, "operation_not_allowed"),
          query("another mode", "modes", "/query/sqlite", 403, "retrieval_mode_not_allowed"),
          query("another profile", "profiles", "/query/sqlite", 403, "policy_denied"),
      });
  CHECK(stop(*server) == 0);
}

TEST_CASE("Every refusal of a request of the admin has its status and its code") {
  const server_home home;
  const auto server = home.start();
  const std::string id(32, 'a');
  check_refusals(
      *server,
      {
          {"no such dead letter",
           "GET",
           "/api/dlq/" + id,
           admin,
           {},
           "",
           404,
           "dead_letter_not_found"},
          {"no choice", "POST", "/api/dlq/redrive", admin, {}, "{}", 400, "invalid_request"},
          {"an unknown key",
           "POST",
           "/api/dlq/purge",
           admin,
           {},
           R"({"al":true})",
           400,
           "invalid_request"},
          {"no such destination",
           "POST",
           "/api/destinations/nowhere/pause",
           admin,
           {},
           "",
           404,
           "destination_not_found"},
          {"no such destination",
           "POST",
           "/api/destinations/nowhere/resume",
           admin,
           {},
           "",
           404,
           "destination_not_found"},
          {"a malformed escape", "GET", "/query/%zz", admin, {}, "", 400, "invalid_path"},
          {"no time", "GET", "/api/audit/log?after=yesterday", admin, {}, "", 400, "invalid_after"},
          {"no time",
           "GET",
           "/api/audit/stats?before=tomorrow",
           admin,
           {},
           "",
           400,
           "invalid_before"},
          {"no time", "GET", "/api/audit/export?after=0", admin, {}, "", 400, "invalid_after"},
          {"an unknown key of a check",
           "POST",
           "/api/consistency",
           admin,
           {},
           R"({"x":1})",
           400,
           "invalid_request"},
      });
  CHECK(stop(*server) == 0);
}

TEST_CASE(
    "Unknown paths and methods are answered as the reference's router does, without a token") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  for (const std::string path : {"/nowhere", "/inbound", "/inbound/", "/inbound/main/",
                                 "/query/sqlite/", "/API/status", "//health"}) {
    INFO(path);
    const auto answer = client.request("GET", path);
    REQUIRE(answer);
    CHECK(answer->status == 404);
    CHECK(answer->header("Content-Type") == "text/plain; charset=utf-8");
    CHECK(answer->body == "404 page not found\n");
  }
  const std::vector<std::vector<std::string>> methods{
      {"GET", "/inbound/main", "POST, OPTIONS"},
      {"PUT", "/inbound/main/batch", "POST, OPTIONS"},
      {"DELETE", "/query/sqlite", "GET, HEAD, OPTIONS"},
      {"POST", "/health", "GET, HEAD, OPTIONS"},
      {"get", "/health", "GET, HEAD, OPTIONS"},
      {"GET", "/api/shutdown", "POST, OPTIONS"}};
  for (const auto& one : methods) {
    INFO(one[0] << " " << one[1]);
    const auto answer = client.request(one[0], one[1]);
    REQUIRE(answer);
    CHECK(answer->status == 405);
    CHECK(answer->header("Allow") == one[2]);
    CHECK(answer->body.empty());
  }
  const auto options = client.request("OPTIONS", "/inbound/main");
  REQUIRE(options);
  CHECK(options->status == 204);
  CHECK(options->header("Allow") == "POST, OPTIONS");
  const auto head = client.request("HEAD", "/health");
  REQUIRE(head);
  CHECK(head->status == 200);
  CHECK(head->body.empty());
  CHECK(client.request("GET", "/health")->status == 200);  // on the same connection
  CHECK(stop(*server) == 0);
}

TEST_CASE("What the server itself refuses has the same envelope, and ends the connection") {
  const server_home home;
  home.write("daemon.toml", "[daemon]\nadmin_token = \"" + admin +
                                "\"\n[daemon.limits]\nheader_timeout_seconds = 1\n"
                                "body_timeout_seconds = 1\nmax_header_bytes = 1024\n"
                                "max_headers = 10\nmax_target_bytes = 256\n");
  const auto server = home.start();
  const std::string get = "GET /health HTTP/1.1\r\nHost: a\r\n";
  const std::string write = "POST /inbound/main HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
                            std::string(server_home::main_key) + "\r\n";
  std::string eleven;
  for (int i = 0; i < 10; ++i) eleven += "X: y\r\n";
  for (const auto& one : std::vector<raw_refusal>{
           {"noise", "\x01\x02\x03\r\n\r\n", 400, "bad_request"},
           {"two framings", write + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
            "bad_request"},
           {"half a header", get, 408, "request_timeout"},
           {"half a body", write + "Content-Length: 9\r\n\r\n{", 408, "request_timeout"},
           {"a long target", "GET /" + std::string(256, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414,
            "uri_too_long"},
           {"a long header", get + "X: " + std::string(1024, 'x') + "\r\n\r\n", 431,
            "headers_too_large"},
           {"eleven headers", get + eleven + "\r\n", 431, "headers_too_large"},
           {"an expectation", write + "Expect: wonders\r\nContent-Length: 2\r\n\r\n{}", 417,
            "expectation_failed"},
       }) {
    INFO(one.what);
    http_client client(server->port());
    REQUIRE(client.send(one.bytes));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == one.status);
    CHECK(answer->header("Connection") == "close");
    check_envelope(*answer, one.code);
    CHECK(client.at_end());
  }
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 0);
}

TEST_CASE("A connection too many is told so, by all and by its address") {
  const server_home home;
  home.write("daemon.toml", "[daemon]\nadmin_token = \"" + admin +
                                "\"\n[daemon.limits]\nmax_connections = 3\n"
                                "max_connections_per_address = 2\n");
  const auto server = home.start();
  const auto refused = [](http_client& client, int status) {
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == status);
    check_envelope(*answer, "too_many_connections");
    CHECK(answer->header("Retry-After"));
  };
  // The answer shows that a connection counts.
  const auto connect = [&](const char* from) {
    http_client client(server->port(), from);
    REQUIRE(client.request("GET", "/health"));
    return client;
  };
  const auto first = connect("127.0.0.1");
  const auto second = connect("127.0.0.1");
  http_client third(server->port());
  refused(third, 429);
  const auto other = connect("127.0.0.2");
  http_client last(server->port(), "127.0.0.3");
  refused(last, 503);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A reload of a wrong configuration is refused with every finding, without a secret") {
  const server_home home;
  const auto server = home.start();
  home.write("sources/bad.toml",
             "[source]\nname = \"bad\"\napi_key = \"bfn_a_secret\"\n"
             "target_destination = \"nowhere\"\n");
  http_client client(server->port());
  const auto answer = client.request("POST", "/api/reload", as(admin));
  REQUIRE(answer);
  CHECK(answer->status == 422);
  CHECK(answer->header("Content-Type") == "application/json");
  INFO(answer->body);
  CHECK(answer->body.starts_with(R"({"error":"config_invalid","message":")"));
  CHECK(answer->body.find(R"("details":{"findings":[")") != std::string::npos);
  CHECK(answer->body.find("/sources/bad.toml:4:") != std::string::npos);
  CHECK(answer->body.find("bfn_a_secret") == std::string::npos);
  CHECK(answer->body.ends_with("]}}\n"));
  payload_id(write_content(client, "as before"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("Above its own limit the interaction log says when to come back") {
  const server_home home;
  home.write("daemon.toml", "[daemon]\nadmin_token = \"" + admin +
                                "\"\n[daemon.audit]\nadmin_rate_limit_per_minute = 2\n");
  const auto server = home.start();
  http_client client(server->port());
  for (const std::string path : {"/api/audit/log", "/api/audit/stats"})
    CHECK(client.request("GET", path, as(admin))->status == 200);
  const auto refused = client.request("GET", "/api/audit/export", as(admin));
  REQUIRE(refused);
  CHECK(refused->status == 429);
  check_envelope(*refused, "rate_limit_exceeded");
  CHECK(refused->header("Retry-After"));
  CHECK(client.request("GET", "/api/status", as(admin))->status == 200);
  CHECK(stop(*server) == 0);
}
