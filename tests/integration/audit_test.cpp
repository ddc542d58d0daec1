// The interaction log of a real server.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct audited_home : server_home {
  explicit audited_home(const std::string& more = "") {
    write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                             admin_token + "\"\n[daemon.audit]\nenabled = true\n" + more);
  }
  std::string file() const { return path() + "/logs/interactions.jsonl"; }
  std::string shadow() const { return path() + "/logs/interactions-shadow.jsonl"; }
};

std::string body_of(const cli::child_server& server, const std::string& path) {
  http_client client(server.port());
  const auto answer = client.request("GET", path, as(server_home::admin_token));
  if (!answer || answer->status != 200) FAIL("no answer to " << path);
  return answer->body;
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("Writes, queries and refusals are in the interaction log as soon as they are answered") {
  const audited_home home;
  const auto server = home.start();
  http_client client(server->port());
  const std::string id = payload_id(write_content(client, "SESAME"));
  client.request("GET", "/query/sqlite", as(server_home::main_key));
  CHECK(client.request("POST", "/inbound/other", as(server_home::main_key), "{}")->status == 403);
  const auto log = body_of(*server, "/api/audit/log?source=main");
  CHECK(holds(log, "\"total_matching\":3,"));
  CHECK(holds(log, "\"payload_id\":\"" + id + "\""));
  CHECK(holds(log, R"("policy_decision":"DENIED","reason":"source_mismatch")"));
  CHECK(holds(log, R"("operation":"query","endpoint":"GET /query/{destination}")"));
  CHECK(holds(body_of(*server, "/api/audit/log?policy_decision=DENIED"), "\"total_matching\":1,"));
  CHECK(holds(body_of(*server, "/api/audit/stats?source=main"), "\"total_records\":3,"));
  CHECK(holds(body_of(*server, "/api/audit/export?operation=write"), id));
  CHECK(holds(body_of(*server, "/metrics"),
              "bubblefish_audit_records_total{operation_type=\"write\",policy_decision=\"DENIED\"} "
              "1"));
  CHECK(stop(*server) == 0);
  for (const auto& file : {home.file(), home.shadow()}) {
    CHECK_FALSE(holds(read_file(file), "SESAME"));
    CHECK_FALSE(holds(read_file(file), server_home::main_key));
    CHECK_FALSE(holds(read_file(file), server_home::admin_token));
  }
}

TEST_CASE("After an orderly stop every write is in the interaction log") {
  const audited_home home;
  const auto server = home.start();
  http_client client(server->port());
  for (int i = 0; i < 300; ++i) payload_id(write_content(client, std::to_string(i)));
  CHECK(stop(*server) == 0);
  CHECK(lines_of(home.file()) == 300);
  CHECK(lines_of(home.shadow()) == 300);
}

TEST_CASE("The interaction log is read and goes on after a kill in the middle of writes") {
  const audited_home home("max_file_size_mb = 1\n");
  std::size_t seen = 0;
  for (int round = 0; round < 3; ++round) {
    const auto server = home.start();
    http_client client(server->port());
    for (int i = 0; i < 50; ++i) payload_id(write_content(client, std::to_string(i)));
    seen += 50;
    // What has been read is on the disk; what follows may be lost.
    const auto log = body_of(*server, "/api/audit/log?operation=write&limit=1");
    const auto at = log.find("\"total_matching\":");
    REQUIRE(at != log.npos);
    const auto total = std::stoul(log.substr(at + 17));
    CHECK(total >= seen);
    seen = total;
    for (int i = 0; i < 20; ++i) payload_id(write_content(client, std::to_string(i)));
    server->signal(SIGKILL);
    CHECK(server->wait() == -SIGKILL);
  }
}

TEST_CASE("With an interaction log that cannot be written to the program does not start") {
  const audited_home home;
  std::filesystem::create_directories(home.file());
  const auto started = home.nexus({"start", "--port", "0"});
  CHECK(started.status == 1);
  CHECK(holds(started.err, "interaction log: "));
  home.write("daemon.toml", std::string("[daemon]\nadmin_token = \"") + server_home::admin_token +
                                "\"\n[daemon.audit]\nenabled = true\nlog_file = \"\"\n");
  const auto empty = home.nexus({"start", "--port", "0"});
  CHECK(empty.status == 1);
  CHECK(holds(empty.err, "daemon.audit.log_file is empty"));
}
