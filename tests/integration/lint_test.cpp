// `nexus lint` on a home full of mistakes, the same over HTTP, and a home that speaks TLS.
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A home whose every file has something wrong.
void fill_with_mistakes(const server_home& home) {
  home.write("daemon.toml",
             "[daemon]\n"
             "prot = 8080\n"
             "bind = \"0.0.0.0\"\n"
             "admin_token = \"admin\"\n"
             "[daemon.wal.integrity]\n"
             "mode = \"mac\"\n"
             "[daemon.tls]\n"
             "enabled = true\n"
             "min_version = \"1.4\"\n");
  home.write("sources/main.toml",
             "[source]\n"
             "name = \"main\"\n"
             "api_key = \"admin\"\n"
             "rate_limit_rpm = 5\n"
             "target_destination = \"nowhere\"\n");
  home.write("destinations/sqlite.toml",
             "[destination]\n"
             "name = \"sqlite\"\n"
             "type = \"sqlite\"\n"
             "path = \"x.db\"\n");
}

}  // namespace

TEST_CASE("Lint names each mistake with file, line and column, for people and for programs") {
  const server_home home;
  fill_with_mistakes(home);
  struct mistake {
    std::string file, severity, code;
    int line, column;
  };
  const std::vector<mistake> all{{"daemon.toml", "warn", "unknown_key", 2, 1},
                                 {"daemon.toml", "error", "missing_keyfile", 5, 13},
                                 {"daemon.toml", "error", "tls_missing_cert", 7, 9},
                                 {"daemon.toml", "error", "tls_missing_key", 7, 9},
                                 {"daemon.toml", "error", "unknown_value", 9, 1},
                                 {"daemon.toml", "warn", "literal_key", 4, 1},
                                 {"daemon.toml", "warn", "short_key", 4, 1},
                                 {"sources/main.toml", "warn", "unknown_key", 4, 1},
                                 {"sources/main.toml", "error", "unknown_destination", 5, 1},
                                 {"sources/main.toml", "warn", "missing_idempotency", 1, 2},
                                 {"sources/main.toml", "warn", "shared_key", 3, 1},
                                 {"destinations/sqlite.toml", "error", "unknown_key", 4, 1}};
  const auto text = home.nexus({"lint", "--offline"});
  const auto json = home.nexus({"lint", "--offline", "--json"});
  CHECK(text.status == 1);
  CHECK(json.status == 1);
  CHECK(core::json::validate(json.out).ok());
  INFO(text.out);
  for (const auto& one : all) {
    INFO(one.file << " " << one.code);
    const std::string place = home.path() + "/" + one.file + ":" + std::to_string(one.line) + ":" +
                              std::to_string(one.column) + ": ";
    CHECK(holds(text.out, place));
    CHECK(holds(json.out, "{\"severity\":\"" + one.severity + "\",\"code\":\"" + one.code +
                              "\",\"message\":"));
    CHECK(holds(json.out, "\"file\":\"" + home.path() + "/" + one.file +
                              "\",\"line\":" + std::to_string(one.line) +
                              ",\"column\":" + std::to_string(one.column) + "}"));
  }
}

TEST_CASE(
    "Lint succeeds where there are only warnings, and has an empty list where there are none") {
  const server_home home;
  const auto warned = home.nexus({"lint", "--json"});
  CHECK(warned.status == 0);
  CHECK(holds(warned.out, "\"severity\":\"warn\""));
  const temp_dir place;
  CHECK(run_program({NEXUS_PROGRAM, "init", "--home", place / "home"}).status == 0);
  const auto clean = run_program({NEXUS_PROGRAM, "lint", "--json", "--home", place / "home"});
  CHECK(clean.status == 0);
  CHECK(clean.out == "[]\n");
}

TEST_CASE("The running server says what lint says of the files as they are now") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  home.write("sources/late.toml", "[source]\nname = \"late\"\n");
  const auto answer = client.request("GET", "/api/lint", as(server_home::admin_token));
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(holds(answer->body, "\"code\":\"empty_key\""));
  CHECK(holds(answer->body, "\"file\":\"sources/late.toml\",\"line\":1,"));
  for (const std::string path : {"/api/config", "/api/policies"}) {
    const auto shown = client.request("GET", path, as(server_home::admin_token));
    REQUIRE(shown);
    CHECK(shown->status == 200);
    CHECK_FALSE(holds(shown->body, server_home::main_key));
    CHECK_FALSE(holds(shown->body, server_home::admin_token));
  }
}

TEST_CASE("The commands speak TLS with a server of mode safe, and with no other") {
  const temp_dir place;
  const std::string home = place / "home";
  const auto made = run_program({NEXUS_PROGRAM, "init", "--mode", "safe", "--home", home});
  REQUIRE(made.status == 0);
  CHECK(holds(made.out, "curl --cacert " + home + "/tls/cert.pem"));
  cli::child_server::options how;
  how.program = NEXUS_PROGRAM;
  how.home = home;
  how.log_file = place / "server.log";
  how.arguments = {"--banner"};
  const auto server = cli::child_server::start(how);
  if (!server) FAIL(server.reason().text);
  const auto status = run_program({NEXUS_PROGRAM, "status", "--home", home});
  INFO(status.err);
  CHECK(holds(status.out, "process " + std::to_string((*server)->pid())));
  const auto list = run_program({NEXUS_PROGRAM, "destinations", "list", "--home", home});
  CHECK(holds(list.out, "running"));
  const std::string address = "https://127.0.0.1:" + std::to_string((*server)->port());
  CHECK(run_program({"/usr/bin/curl", "-sSf", "--noproxy", "*", "--cacert", home + "/tls/cert.pem",
                     address + "/health"})
            .status == 0);
  CHECK(run_program({"/usr/bin/curl", "-sSf", "--noproxy", "*", address + "/health"}).status != 0);

  // A certificate with another key: the server is a stranger now.
  const temp_dir elsewhere;
  const std::string other = elsewhere / "home";
  CHECK(run_program({NEXUS_PROGRAM, "init", "--mode", "safe", "--home", other}).status == 0);
  write_file(other + "/nexus.run", read_file(home + "/nexus.run"));
  const auto refused = run_program({NEXUS_PROGRAM, "stop", "--home", other});
  CHECK(refused.status == 1);
  CHECK(holds(refused.err, "SIGTERM"));
  CHECK(run_program({NEXUS_PROGRAM, "stop", "--home", home}).status == 0);
  CHECK((*server)->wait() == 0);
}
