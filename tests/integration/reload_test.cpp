// The configuration changes while the program runs.
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cli/http_client.hpp"
#include "cli/load.hpp"
#include "config/certificate.hpp"
#include "tests/http/tls_client.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

http_answer ask(const cli::child_server& server, const std::string& method, const std::string& path,
                const std::string& token = server_home::admin_token) {
  http_client client(server.port());
  const auto answer = client.request(method, path, as(token));
  REQUIRE(answer);
  return *answer;
}

http_answer reload(const cli::child_server& server) {
  return ask(server, "POST", "/api/reload");
}

int write_status(const cli::child_server& server, const std::string& source) {
  http_client client(server.port());
  return write_content(client, "x", source).status;
}

/// A home whose files are not watched, so that a test says when they are read.
struct quiet_home : server_home {
  quiet_home() { daemon(""); }
  void daemon(const std::string& more) const {
    write("daemon.toml", std::string("[daemon]\nwatch_config = false\nadmin_token = \"") +
                             admin_token + "\"\n" + more);
  }
  std::string copy() const { return path() + "/copy.db"; }
  void add_copy(const std::string& more = "") const {
    write(
        "destinations/copy.toml",
        "[destination]\nname = \"copy\"\ntype = \"sqlite\"\ndb_path = \"" + copy() + "\"\n" + more);
  }
  void add_writer(const std::string& name, const std::string& destination) const {
    write("sources/" + name + ".toml",
          "[source]\nname = \"" + name + "\"\napi_key = \"bfn_data_" + name +
              "\"\ncan_write = true\ntarget_destination = \"" + destination +
              "\"\n[source.rate_limit]\nrequests_per_minute = 10000000\n"
              "[source.mapping]\ncontent = \"message.content\"\n");
  }
  void remove(const std::string& file) const { std::filesystem::remove(path() + "/" + file); }
};

std::multiset<std::string> contents(const std::string& database) {
  std::multiset<std::string> all;
  const auto rows = cli::read_rows(database);
  if (!rows) FAIL(rows.reason().text);
  for (const auto& row : *rows) all.insert(row.content);
  return all;
}

}  // namespace

TEST_CASE(
    "A source whose file is written is there without being asked for, and gone with its file") {
  const server_home home;
  const auto server = home.start();
  CHECK(write_status(*server, "late") == 401);
  home.add_source("late", "can_write = true\n");
  CHECK(comes([&] { return write_status(*server, "late") == 200; }));
  CHECK(holds(home.log(), "source late: added"));
  CHECK_FALSE(holds(home.log(), "bfn_data_late"));
  std::filesystem::remove(home.path() + "/sources/late.toml");
  CHECK(comes([&] { return write_status(*server, "late") == 401; }));
  CHECK(write_status(*server, "main") == 200);
}

TEST_CASE(
    "A file that is wrong is named in the log with its place, and the old configuration stays") {
  const server_home home;
  const auto server = home.start();
  home.write("sources/main.toml", "[source]\nname = \"main\"\ncan_write = 7\n");
  CHECK(comes([&] { return holds(home.log(), "/sources/main.toml:3:13: error"); }));
  CHECK(write_status(*server, "main") == 200);
}

TEST_CASE("SIGHUP has the configuration read again") {
  const quiet_home home;
  const auto server = home.start();
  home.add_source("late", "can_write = true\n");
  server->signal(SIGHUP);
  CHECK(comes([&] { return write_status(*server, "late") == 200; }));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A reload over HTTP takes over what it can and names what needs a restart") {
  const quiet_home home;
  const auto server = home.start();
  home.daemon(
      "log_format = \"json\"\nlog_level = \"debug\"\n[daemon.wal]\nmax_segment_size_mb = 7\n");
  home.write("sources/main.toml",
             "[source]\nname = \"main\"\napi_keys = [\"bfn_data_other\"]\ncan_read = true\n"
             "can_write = true\ntarget_destination = \"sqlite\"\n[source.rate_limit]\n"
             "requests_per_minute = 1\n[source.policy]\nallowed_operations = [\"write\"]\n"
             "[source.mapping]\ncontent = \"text\"\n");
  const auto answer = reload(*server);
  CHECK(answer.status == 200);
  INFO(answer.body);
  CHECK(holds(answer.body, R"("status":"reloaded")"));
  CHECK(holds(answer.body, "daemon.log_level: changed"));
  CHECK(
      holds(answer.body, "source main: changed (keys, rate_limit, mapping, idempotency, policy)"));
  CHECK(holds(answer.body, "daemon.log_format: changes with the next start"));
  CHECK(holds(answer.body, "daemon.wal.max_segment_size_mb: changes with the next start"));
  CHECK_FALSE(holds(answer.body, "bfn_"));
  CHECK(write_status(*server, "main") == 401);
  http_client client(server->port());
  const auto written = client.request("POST", "/inbound/main", as("bfn_data_other"),
                                      R"({"text":"by the new mapping"})");
  REQUIRE(written);
  payload_id(*written);
  CHECK(client.request("POST", "/inbound/main", as("bfn_data_other"), R"({"text":"y"})")->status ==
        429);
  CHECK(client.request("GET", "/query/sqlite", as("bfn_data_other"))->status == 403);
  wait_until_delivered(*server);
  CHECK(contents(home.database()).count("by the new mapping") == 1);
}

TEST_CASE("The token of the admin changes by a reload") {
  const quiet_home home;
  const auto server = home.start();
  home.write("daemon.toml", "[daemon]\nwatch_config = false\nadmin_token = \"another\"\n");
  const auto refused = home.nexus({"reload"});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "SIGHUP"));
  CHECK(reload(*server).status == 200);
  CHECK(reload(*server).status == 401);
  CHECK(ask(*server, "GET", "/api/status", "another").status == 200);
  CHECK(home.nexus({"stop"}).status == 0);
}

TEST_CASE("Certificates that are replaced are shown to who connects from then on") {
  const server_home home;
  const auto write_certificate = [&] {
    const auto made = config::make_self_signed("localhost");
    if (!made) FAIL(made.reason().text);
    home.write("key.pem", std::string(made->key.reveal()));
    home.write("cert.pem", made->certificate);
  };
  write_certificate();
  home.write("daemon.toml", std::string("[daemon]\nadmin_token = \"") + server_home::admin_token +
                                "\"\n[daemon.tls]\nenabled = true\ncert_file = \"" + home.path() +
                                "/cert.pem\"\nkey_file = \"" + home.path() + "/key.pem\"\n");
  const auto server = home.start();
  // The command knows the server by the certificate in the file.
  const auto is_known = [&] { return home.nexus({"status"}).out.starts_with("running"); };
  CHECK(is_known());
  tls_client open(server->port());
  const auto reload_here = [&] {
    return open.request("POST", "/api/reload", as(server_home::admin_token));
  };
  for (int i = 0; i < 2; ++i) {  // a reload without other certificates leaves connections alone
    const auto answer = reload_here();
    REQUIRE(answer);
    CHECK(answer->status == 200);
  }
  write_certificate();
  CHECK(comes(is_known));
  CHECK(comes([&] { return holds(home.log(), "daemon.tls: the certificates are others"); }));
  CHECK_FALSE(reload_here());
  home.write("key.pem", "no key");
  CHECK(comes([&] { return holds(home.log(), "was not reloaded"); }));
  CHECK(stop(*server) == 0);
}

TEST_CASE("The reload command prints what has changed, or every finding") {
  const quiet_home home;
  CHECK(home.nexus({"reload"}).status == 1);
  const auto server = home.start();
  CHECK(home.nexus({"reload"}).out == "reloaded; nothing has changed\n");
  home.add_source("late", "can_write = true\n");
  const auto done = home.nexus({"reload"});
  INFO(done.err);
  CHECK(done.status == 0);
  CHECK(done.out == "reloaded\nsource late: added\n");
  home.write("destinations/bad.toml", "[destination]\nname = \"bad\"\ntype = \"sqlte\"\n");
  const auto refused = home.nexus({"reload"});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "/destinations/bad.toml:3:1: error"));
  const auto answer = reload(*server);
  CHECK(answer.status == 422);
  CHECK(holds(answer.body, R"({"error":"config_invalid")"));
  CHECK(holds(answer.body, "/destinations/bad.toml:3:1: error"));
  CHECK_FALSE(holds(ask(*server, "GET", "/api/destinations").body, "bad"));
}

TEST_CASE("Entries of a destination that is removed wait, are told of, and are delivered later") {
  const quiet_home home;
  home.add_copy();
  home.add_writer("two", "copy");
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "before", "two"));
  wait_until_delivered(*server);
  CHECK(home.nexus({"destinations", "pause", "copy"}).status == 0);
  payload_id(write_content(client, "waits", "two"));
  home.remove("destinations/copy.toml");
  home.remove("sources/two.toml");
  const auto removed = home.nexus({"reload"});
  INFO(removed.out << removed.err);
  CHECK(holds(removed.out, "destination copy: removed"));
  CHECK(holds(removed.out, "note: 1 entries wait for destination copy"));
  CHECK(holds(home.log(), "1 entries wait for destination copy"));
  CHECK(holds(ask(*server, "GET", "/api/status").body, R"("unclaimed":{"copy":1})"));
  CHECK(holds(home.nexus({"status"}).out, "1 wait for copy, which is not configured"));
  CHECK(write_status(*server, "two") == 401);
  home.add_copy("batch_size = 3\n");
  CHECK(reload(*server).status == 200);
  CHECK(holds(ask(*server, "GET", "/api/destinations").body, R"("state":"paused")"));
  CHECK(home.nexus({"destinations", "resume", "copy"}).status == 0);
  wait_until_delivered(*server);
  CHECK(contents(home.copy()) == std::multiset<std::string>{"before", "waits"});
}

TEST_CASE("Eight writers notice nothing of two hundred reloads, and each 200 is found once") {
  const quiet_home home;
  home.add_copy();
  home.add_writer("one", "sqlite");
  home.add_writer("two", "copy");
  const auto server = home.start();
  std::atomic<bool> finishing = false;
  std::vector<std::vector<std::string>> accepted(8);
  std::vector<std::thread> writers;
  std::atomic<int> others = 0;
  for (std::size_t w = 0; w < accepted.size(); ++w) {
    writers.emplace_back([&, w] {
      const std::string source = w % 2 == 0 ? "one" : "two";
      cli::http_client client("127.0.0.1", server->port(), std::chrono::seconds(120));
      for (int i = 0; !finishing; ++i) {
        const std::string content = source + " " + std::to_string(w) + "/" + std::to_string(i);
        const auto answer = client.send({"POST",
                                         "/inbound/" + source,
                                         "bfn_data_" + source,
                                         {{"Content-Type", "application/json"}},
                                         R"({"message":{"content":")" + content + "\"}}"});
        if (answer && answer->status == 200) {
          accepted[w].push_back(content);
        } else if (!answer || answer->status != 401) {  // its source is out at the moment
          ++others;
        }
      }
    });
  }
  for (int turn = 0; turn < 200; ++turn) {
    const bool without = turn % 4 == 3;
    if (without) {
      home.remove("destinations/copy.toml");
      home.remove("sources/two.toml");
    } else {
      home.add_copy("batch_size = " + std::to_string(1 + turn) + "\n");
      home.add_writer("two", "copy");
    }
    const auto answer = reload(*server);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
  }
  finishing = true;
  for (auto& one : writers) one.join();
  home.add_copy();
  CHECK(reload(*server).status == 200);
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  CHECK(others == 0);
  std::multiset<std::string> promised[2];
  for (std::size_t w = 0; w < accepted.size(); ++w)
    promised[w % 2].insert(accepted[w].begin(), accepted[w].end());
  CHECK_FALSE(promised[0].empty());
  CHECK_FALSE(promised[1].empty());
  CHECK((contents(home.database()) == promised[0]));
  CHECK((contents(home.copy()) == promised[1]));
}
