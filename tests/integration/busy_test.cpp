// When the server can't take something now: what it says, and that it takes it again afterwards.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>

#include "cli/load.hpp"
#include "tests/integration/refusal.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

void write_daemon(const server_home& home, const std::string& more) {
  home.write("daemon.toml",
             std::string("[daemon]\nadmin_token = \"") + server_home::admin_token + "\"\n" + more);
}

http_answer get(const cli::child_server& server, const std::string& path) {
  http_client client(server.port());
  const auto answer = client.request("GET", path);
  REQUIRE(answer);
  return *answer;
}

bool says_not_ready(const cli::child_server& server, const std::string& code) {
  const auto answer = get(server, "/ready");
  return answer.status == 503 && answer.body.starts_with("{\"error\":\"" + code + "\"");
}

/// Lets the database be made, and has the destination tried now instead of after its pause.
void unblock(const server_home& home, const cli::child_server& server) {
  std::filesystem::remove(home.database());
  http_client client(server.port());
  const auto done =
      client.request("POST", "/api/destinations/sqlite/resume", as(server_home::admin_token));
  REQUIRE(done);
  REQUIRE(done->status == 200);
}

bool takes_connections(const cli::child_server& server) {
  try {
    const http_client client(server.port());
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

/// How long the server's files may get; like a disk that takes no more.
void limit_files(const cli::child_server& server, rlim_t bytes) {
  const rlimit limit{bytes, RLIM_INFINITY};
  REQUIRE(::prlimit(server.pid(), RLIMIT_FSIZE, &limit, nullptr) == 0);
}

std::string half_a_request(const std::string& method, const std::string& path,
                           const std::string& token) {
  return method + " " + path + " HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + token + "\r\n";
}

}  // namespace

TEST_CASE("While a destination is blocked the queue fills up, and then writes get 429 queue_full") {
  const server_home home;
  write_daemon(home, "queue_size = 1\nmax_pending_entries = 3\n");
  // A directory in the database's place: nothing can be delivered until it is gone.
  std::filesystem::create_directory(home.database());
  const auto server = home.start();
  http_client client(server->port());
  for (const std::string content : {"1", "2", "3"}) payload_id(write_content(client, content));
  const auto refused = write_content(client, "4");
  CHECK(refused.status == 429);
  check_envelope(refused, "queue_full");
  CHECK(refused.header("Retry-After") == "5");
  const auto batch =
      client.request("POST", "/inbound/main/batch", as(server_home::main_key), "[1,2]");
  REQUIRE(batch);
  CHECK(batch->status == 429);
  check_envelope(*batch, "queue_full");
  const auto memories = client.request("POST", "/v1/memories", as(server_home::main_key),
                                       R"({"messages":[{"role":"user","content":"hello"}]})");
  REQUIRE(memories);
  CHECK(memories->status == 429);
  check_envelope(*memories, "queue_full");

  unblock(home, *server);
  wait_until_delivered(*server);
  payload_id(write_content(client, "4"));
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 4);
  CHECK(cli::read_rows(home.database())->size() == 4);
}

TEST_CASE("A destination that cannot be used makes the server not ready until it can") {
  const server_home home;
  std::filesystem::create_directory(home.database());
  const auto server = home.start();
  CHECK(comes([&] { return says_not_ready(*server, "destination_unavailable"); }));
  check_envelope(get(*server, "/ready"), "destination_unavailable");
  CHECK(get(*server, "/health").status == 200);
  unblock(home, *server);
  CHECK(comes([&] { return get(*server, "/ready").status == 200; }));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A log whose directory cannot be written makes the server not ready, but healthy") {
  const server_home home;
  write_daemon(home, "[daemon.wal.watchdog]\ninterval_seconds = 1\n");
  const auto server = home.start();
  CHECK(get(*server, "/ready").status == 200);
  const std::string aside = home.path() + "/aside";
  std::filesystem::rename(home.wal(), aside);
  CHECK(comes([&] { return says_not_ready(*server, "wal_unhealthy"); }));
  check_envelope(get(*server, "/ready"), "wal_unhealthy");
  const auto health = get(*server, "/health");
  CHECK(health.status == 200);
  CHECK(health.body.starts_with(R"({"status":"ok","version":")"));
  std::filesystem::rename(aside, home.wal());
  CHECK(comes([&] { return get(*server, "/ready").status == 200; }));
  http_client client(server->port());
  payload_id(write_content(client, "as before"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A log that cannot grow refuses writes with 500, and takes them again once it can") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "before"));
  wait_until_delivered(*server);
  limit_files(*server, 0);
  for (int i = 0; i < 3; ++i) {
    const auto refused = write_content(client, "refused");
    CHECK(refused.status == 500);
    check_envelope(refused, "internal_error");
  }
  CHECK(get(*server, "/health").status == 200);
  limit_files(*server, RLIM_INFINITY);
  payload_id(write_content(client, "after"));
  CHECK(comes([&] { return get(*server, "/ready").status == 200; }));
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 2);
  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->front().content == "before");
  CHECK(rows->back().content == "after");
}

TEST_CASE("A query of a database that cannot be read is answered 500, and says nothing of it") {
  const server_home home;
  write_file(home.database(), std::string(8192, 'x'));
  const auto server = home.start();
  http_client client(server->port());
  const auto refused = client.request("GET", "/query/sqlite", as(server_home::main_key));
  REQUIRE(refused);
  CHECK(refused->status == 500);
  check_envelope(*refused, "internal_error");
  CHECK(refused->body.find(home.path()) == std::string::npos);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A server that stops refuses what comes with 503 draining, and says so to /ready") {
  const server_home home;
  const auto server = home.start();
  // In the middle of their headers when the stop begins, so that it waits for them.
  const std::string main = server_home::main_key;
  http_client write(server->port());
  REQUIRE(write.send(half_a_request("POST", "/inbound/main", main)));
  http_client query(server->port());
  REQUIRE(query.send(half_a_request("GET", "/query/sqlite", main)));
  http_client ready(server->port());
  REQUIRE(ready.send(half_a_request("GET", "/ready", main)));
  http_client status(server->port());
  REQUIRE(status.send(half_a_request("GET", "/api/status", server_home::admin_token)));
  // What was sent before this was answered has been read.
  CHECK(get(*server, "/health").status == 200);
  server->signal(SIGTERM);
  CHECK(comes([&] { return !takes_connections(*server); }));

  const auto refused = [](http_client& client, const std::string& rest) {
    REQUIRE(client.send(rest));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 503);
    check_envelope(*answer, "draining");
    CHECK(answer->header("Retry-After") == "5");
  };
  refused(write, "Content-Length: 2\r\n\r\n{}");
  refused(query, "\r\n");
  refused(ready, "\r\n");
  REQUIRE(status.send("\r\n"));
  const auto seen = status.read_answer();
  REQUIRE(seen);
  CHECK(seen->status == 200);
  CHECK(server->wait() == 0);
  CHECK(logged_entries(home) == 0);
}

TEST_CASE("A server that is told to stop again and again stops once, and loses nothing") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "kept"));
  http_client other(server->port());
  const std::string request =
      half_a_request("POST", "/api/shutdown", server_home::admin_token) + "\r\n";
  REQUIRE(other.send(request + request));
  server->signal(SIGTERM);
  server->signal(SIGTERM);
  CHECK(server->wait() == 0);
  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().content == "kept");
}
