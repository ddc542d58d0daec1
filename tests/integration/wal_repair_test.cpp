// `nexus wal settle` and `nexus wal repair`: the commands that change a log.
#include <filesystem>
#include <string>

#include "tests/integration/killed_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string segment_name(const killed_home& home) {
  return std::filesystem::path(home.segment()).filename();
}

/// Changes a byte of the third entry.
void damage(const killed_home& home) {
  std::string bytes = read_file(home.segment());
  bytes[bytes.find("entry 2")] = 'E';
  write_file(home.segment(), bytes);
}

/// A home whose log says in status lines only that its entries were delivered.
struct unsettled_home : killed_home {
  unsettled_home() {
    std::filesystem::remove(database());
    const auto server = start();
    wait_until_delivered(*server);
    http_client client(server->port());
    payload_id(write_content(client, "its commit writes the marks"));
    server->signal(SIGKILL);
    server->wait();
  }
};

}  // namespace

TEST_CASE("Settling names the segments that it has rewritten, and the second time none") {
  const unsettled_home home;
  CHECK(holds(home.nexus({"wal", "inspect", "--json"}).out, "\"settled\":false"));
  const auto settled = home.nexus({"wal", "settle"});
  INFO(settled.out << settled.err);
  CHECK(settled.status == 0);
  CHECK(settled.out.starts_with("rewritten "));
  CHECK(holds(settled.out, "\nwal-"));
  CHECK_FALSE(holds(home.nexus({"wal", "inspect", "--json"}).out, "\"settled\":false"));
  CHECK(home.nexus({"wal", "settle"}).out == "nothing to settle\n");
  CHECK(home.nexus({"wal", "settle", "--json"}).out == "{\"rewritten\":[]}\n");
}

TEST_CASE("Settling as JSON has the sizes before and after") {
  const unsettled_home home;
  const auto settled = home.nexus({"wal", "settle", "--json"});
  CHECK(settled.status == 0);
  CHECK(settled.out.starts_with("{\"rewritten\":[{\"name\":\"wal-"));
  CHECK(holds(settled.out, "\"bytes_before\":"));
  CHECK(holds(settled.out, "\"bytes_after\":"));
}

TEST_CASE("A repair says what it would do, then does it, and then there is nothing left to do") {
  const killed_home home;
  damage(home);
  const std::string before = read_file(home.segment());
  const auto dry = home.nexus({"wal", "repair", "--dry-run"});
  INFO(dry.out << dry.err);
  CHECK(dry.status == 0);
  CHECK(holds(dry.out, segment_name(home)));
  CHECK(holds(dry.out, "1 damaged line would be taken out"));
  CHECK(read_file(home.segment()) == before);
  const auto repaired = home.nexus({"wal", "repair"});
  INFO(repaired.out << repaired.err);
  CHECK(repaired.status == 0);
  CHECK(holds(repaired.out, "1 damaged line taken out"));
  const auto copy = read_file(home.wal() + "/quarantine/" + segment_name(home));
  CHECK(holds(copy, "\"segment\":\"" + segment_name(home) + "\",\"line\":3,"));
  CHECK(holds(copy, "\"data\":\"eyJ2ZXJzaW9uIjoyL"));  // Base64 of {"version":2,
  CHECK(home.nexus({"wal", "verify"}).status == 0);
  CHECK(home.nexus({"wal", "repair"}).out == "nothing to repair\n");
  const auto server = home.start();
  CHECK(holds(home.nexus({"status"}).out, "log: 9 pending, "));
  CHECK(stop(*server) == 0);
}

TEST_CASE("A repair as JSON lists the lines") {
  const killed_home home;
  damage(home);
  const auto dry = home.nexus({"wal", "repair", "--dry-run", "--json"});
  CHECK(dry.out.starts_with("{\"dry_run\":true,\"lines\":[{\"segment\":\"" + segment_name(home) +
                            "\",\"line\":3,"));
  const auto done = home.nexus({"wal", "repair", "--json"});
  CHECK(done.out.starts_with("{\"dry_run\":false,\"lines\":[{\"segment\":"));
  CHECK(holds(done.out, "\"quarantined\":1,"));
}

TEST_CASE("What changes a log is refused beside its server, and says what to do") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "x"));
  wait_until_delivered(*server);
  for (const std::string command : {"settle", "repair"}) {
    const auto refused = home.nexus({"wal", command});
    CHECK(refused.status == 1);
    CHECK(refused.out.empty());
    CHECK(holds(refused.err, "process " + std::to_string(server->pid())));
    CHECK(holds(refused.err, "nexus stop --home " + home.path()));
  }
  CHECK(home.nexus({"wal", "repair", "--dry-run"}).status == 0);
  CHECK(home.nexus({"wal", "inspect"}).status == 0);
  CHECK(home.nexus({"wal", "verify"}).status == 0);
  CHECK(stop(*server) == 0);
}

TEST_CASE("A directory that is not there is not made") {
  const temp_dir place;
  const std::string missing = place / "wal";
  for (const std::string command : {"inspect", "export", "verify", "settle", "repair"}) {
    const auto refused = run_program({NEXUS_PROGRAM, "wal", command, "--dir", missing});
    CHECK(refused.status == (command == "verify" ? 2 : 1));
    CHECK(holds(refused.err, missing));
  }
  CHECK_FALSE(std::filesystem::exists(missing));
}
