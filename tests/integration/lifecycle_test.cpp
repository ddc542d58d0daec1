// Starting, looking at, and stopping the program.
#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The soft limit of open files, for the programs that are started meanwhile.
class open_files_limit {
 public:
  explicit open_files_limit(rlim_t files) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit lowered{files, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  }
  ~open_files_limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  open_files_limit(const open_files_limit&) = delete;
  open_files_limit& operator=(const open_files_limit&) = delete;

 private:
  rlimit before_{};
};

/// A server that does not look whether its configuration changes.
std::unique_ptr<cli::child_server> start_unwatched(const server_home& home) {
  home.write("daemon.toml", std::string("[daemon]\nwatch_config = false\nadmin_token = \"") +
                                server_home::admin_token + "\"\n");
  return home.start();
}

}  // namespace

TEST_CASE("Idle connections of anybody do not take the descriptors that the log needs") {
  const server_home home;
  auto server = [&] {
    const open_files_limit lowered(128);
    return home.start();
  }();
  http_client writer(server->port());
  std::vector<http_client> idle;
  for (int i = 0; i < 150; ++i) idle.emplace_back(server->port());
  payload_id(write_content(writer, "the log opens its first segment now"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("An orderly stop delivers what was accepted and leaves nothing pending") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  for (int i = 0; i < 200; ++i) payload_id(write_content(client, std::to_string(i)));
  CHECK(stop(*server) == 0);
  const auto all = run_program({NEXUS_PROGRAM, "wal", "export", "--dir", home.wal()});
  CHECK(all.status == 0);
  CHECK(all.out.empty());
  CHECK(holds(all.err, "\"pending\":0"));
  CHECK(holds(all.err, "\"delivered\":200"));
}

TEST_CASE("The stop command stops the server and waits for its end") {
  const server_home home;
  const auto server = home.start();
  const auto stopped = home.nexus({"stop"});
  INFO(stopped.err);
  CHECK(stopped.status == 0);
  CHECK(stopped.out == "stopped\n");
  CHECK(server->wait() == 0);
  const auto again = home.nexus({"stop"});
  CHECK(again.status == 0);
  CHECK(again.out == "not running\n");
}

TEST_CASE("The stop command uses the admin token behind a reference") {
  const server_home home;
  home.write("token", "bfn_admin_from_a_file\n");
  home.write("daemon.toml", "[daemon]\nadmin_token = \"file:" + home.path() + "/token\"\n");
  const auto server = home.start();
  CHECK(home.nexus({"stop"}).status == 0);
  CHECK(server->wait() == 0);
}

TEST_CASE("The stop command fails if the server does not know its token") {
  const server_home home;
  const auto server = start_unwatched(home);
  home.write("daemon.toml", "[daemon]\nmode = \"simple\"\nadmin_token = \"another\"\n");
  const auto refused = home.nexus({"stop"});
  CHECK(refused.status == 1);
  CHECK(refused.err.starts_with("nexus: "));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A server that was killed is not running for the stop and status commands") {
  const server_home home;
  {
    const auto server = home.start();
    server->signal(SIGKILL);
    server->wait();
  }
  CHECK(home.nexus({"stop"}).out == "not running\n");
  const auto status = home.nexus({"status"});
  CHECK(status.status == 0);
  CHECK(status.out == "not running\n");
  CHECK(home.nexus({"status", "--json"}).out == "{\"running\":false}\n");
}

TEST_CASE("The status command tells what runs") {
  const server_home home;
  const auto server = home.start();
  const auto status = home.nexus({"status"});
  CHECK(status.status == 0);
  CHECK(holds(status.out, "process " + std::to_string(server->pid())));
  CHECK(holds(status.out, "sqlite (sqlite): running"));
  CHECK(holds(home.nexus({"status", "--json"}).out, "\"pid\":" + std::to_string(server->pid())));
}

TEST_CASE("Health, readiness and metrics can be asked") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "x"));
  wait_until_delivered(*server);
  CHECK(client.request("GET", "/health")->status == 200);
  CHECK(client.request("GET", "/ready")->status == 200);
  CHECK(client.request("GET", "/metrics")->status == 401);
  // The log hears of a delivery before the queue does.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::optional<http_answer> metrics;
  do {
    metrics = client.request("GET", "/metrics", as(server_home::admin_token));
    REQUIRE(metrics);
  } while (!holds(metrics->body, "\nbubblefish_queue_depth 0") &&
           std::chrono::steady_clock::now() < deadline);
  CHECK(metrics->status == 200);
  for (const std::string name :
       {"bubblefish_throughput_per_source_total{source=\"main\"} 1", "bubblefish_wal_healthy 1",
        "bubblefish_wal_pending_entries 0", "bubblefish_queue_depth 0",
        "bubblefish_wal_disk_bytes_free", "bubblefish_wal_append_latency_seconds_count 1",
        "bubblefish_queue_processing_rate_total 1", "bubblefish_replay_entries_total",
        "bubblefish_replay_duration_seconds", "bubblefish_wal_crc_failures_total 0",
        "bubblefish_wal_integrity_failures_total 0"}) {
    INFO(name);
    CHECK(holds(metrics->body, "\n" + name));
  }
}

TEST_CASE("A second server on the same home is refused and told who has it") {
  const server_home home;
  const auto server = home.start();
  const auto second = home.nexus({"start", "--port", "0"});
  CHECK(second.status == 1);
  CHECK(holds(second.err, "nexus: "));
  CHECK(holds(second.err, std::to_string(server->pid())));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A port that is taken is a failure that names the port") {
  const server_home home;
  const server_home other;
  const auto server = home.start();
  const auto second = other.nexus({"start", "--port", std::to_string(server->port())});
  CHECK(second.status == 1);
  CHECK(holds(second.err, std::to_string(server->port())));
}

TEST_CASE("A wrong configuration is refused with every problem in its place") {
  const server_home home;
  home.write("daemon.toml", "[daemon]\nport = \"eighty\"\n");
  home.write("sources/bad.toml", "[source]\nname = \"bad\"\n\ntarget_destination = \"nowhere\"\n");
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"start", "--port", "0"}, {"stop"}, {"status"}}) {
    const auto refused = home.nexus(command);
    INFO(refused.err);
    CHECK(refused.status == 1);
    CHECK(holds(refused.err, "/daemon.toml:2:"));
    CHECK(holds(refused.err, "admin_token"));
    CHECK(holds(refused.err, "/sources/bad.toml:4:"));
    CHECK(holds(refused.err, "api_key"));
  }
  const auto lint = home.nexus({"lint"});
  CHECK(lint.status == 1);
  CHECK(holds(lint.out, "/daemon.toml:2:"));
}

TEST_CASE("Beside a server that runs, a configuration that has become wrong says how to end it") {
  const server_home home;
  const auto server = start_unwatched(home);
  home.write("daemon.toml", "[daemon]\nport = \"eighty\"\n");
  for (const char* command : {"stop", "status", "reload"}) {
    const auto refused = home.nexus({command});
    INFO(refused.err);
    CHECK(refused.status == 1);
    CHECK(holds(refused.err, "/daemon.toml:2:"));
    CHECK(holds(refused.err, "process " + std::to_string(server->pid()) + ", at 127.0.0.1:"));
    CHECK(holds(refused.err, "SIGTERM"));
  }
  CHECK(stop(*server) == 0);
}

TEST_CASE("Initialising makes a home that starts, and does not replace one") {
  const temp_dir place;
  const std::string home = place / "home";
  const auto made = run_program({NEXUS_PROGRAM, "init", "--home", home});
  INFO(made.err);
  CHECK(made.status == 0);
  CHECK(holds(made.out, home + "/daemon.toml"));
  const auto lint = run_program({NEXUS_PROGRAM, "lint", "--home", home});
  INFO(lint.out);
  CHECK(lint.status == 0);
  const std::string before = read_file(home + "/daemon.toml");
  const auto again = run_program({NEXUS_PROGRAM, "install", "--home", home});
  CHECK(again.status == 1);
  CHECK(holds(again.err, "--force"));
  CHECK(read_file(home + "/daemon.toml") == before);
  CHECK(run_program({NEXUS_PROGRAM, "init", "--force", "--home", home}).status == 0);
  CHECK(read_file(home + "/daemon.toml") != before);

  cli::child_server::options how;
  how.program = NEXUS_PROGRAM;
  how.home = home;
  how.log_file = place / "server.log";
  const auto server = cli::child_server::start(how);
  if (!server) FAIL(server.reason().text);
  CHECK(stop(**server) == 0);
}

TEST_CASE("A new home of every mode is well and starts") {
  for (const std::string mode : {"simple", "balanced", "fast", "safe"}) {
    INFO(mode);
    const temp_dir place;
    const std::string home = place / "home";
    CHECK(run_program({NEXUS_PROGRAM, "init", "--mode", mode, "--home", home}).status == 0);
    const auto lint = run_program({NEXUS_PROGRAM, "lint", "--home", home});
    INFO(lint.out);
    CHECK(lint.status == 0);
    CHECK(lint.out.starts_with("nothing to find fault with"));
    cli::child_server::options how;
    how.program = NEXUS_PROGRAM;
    how.home = home;
    how.log_file = place / "server.log";
    const auto server = cli::child_server::start(how);
    if (!server) FAIL(server.reason().text);
    CHECK(run_program({NEXUS_PROGRAM, "stop", "--home", home}).status == 0);
    CHECK((*server)->wait() == 0);
  }
}

TEST_CASE("Without a command, or with an unknown one, the program explains itself and fails") {
  const auto nothing = run_program({NEXUS_PROGRAM});
  CHECK(nothing.status == 1);
  CHECK(nothing.out.empty());
  CHECK(holds(nothing.err, "start"));
  const auto unknown = run_program({NEXUS_PROGRAM, "fly"});
  CHECK(unknown.status == 1);
  CHECK(holds(unknown.err, "fly"));
  for (const std::string word : {"version", "--version"}) {
    const auto version = run_program({NEXUS_PROGRAM, word});
    CHECK(version.status == 0);
    CHECK(version.out.starts_with("nexus "));
  }
  CHECK(run_program({NEXUS_PROGRAM, "--help"}).status == 0);
}

TEST_CASE("The demo kills a server under load and finds every acknowledged entry once") {
  const auto demo = run_program({NEXUS_PROGRAM, "demo", "--entries", "300", "--clients", "4"});
  INFO(demo.out << demo.err);
  CHECK(demo.status == 0);
  CHECK(holds(demo.out, "Every acknowledged entry was delivered exactly once."));
}
