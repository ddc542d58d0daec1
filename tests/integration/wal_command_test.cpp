// `nexus wal export` and `nexus wal verify` on logs that a server left behind, whole and damaged.
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

command_outcome wal(const std::string& command, const server_home& home,
                    std::vector<std::string> more = {}) {
  std::vector<std::string> all{NEXUS_PROGRAM, "wal", command, "--dir", home.wal()};
  all.insert(all.end(), more.begin(), more.end());
  return run_program(all);
}

/// A home whose server was killed with ten entries on the disk; none could be delivered.
struct killed_home : server_home {
  killed_home() {
    std::filesystem::create_directory(database());
    const auto server = start();
    http_client client(server->port());
    for (int i = 0; i < 10; ++i) payload_id(write_content(client, "entry " + std::to_string(i)));
    server->signal(SIGKILL);
    server->wait();
  }

  std::string segment() const {
    for (const auto& one : std::filesystem::directory_iterator(wal())) {
      const std::string name = one.path().filename();
      if (name.starts_with("wal-") && name.ends_with(".jsonl")) return one.path();
    }
    FAIL("no segment");
    return {};
  }
};

}  // namespace

TEST_CASE("An export holds the pending entries in the order in which they were accepted") {
  const killed_home home;
  const std::string before = read_file(home.segment());
  const auto all = wal("export", home);
  CHECK(all.status == 0);
  CHECK(std::count(all.out.begin(), all.out.end(), '\n') == 10);
  CHECK(all.out.find("entry 3") < all.out.find("entry 4"));
  CHECK(all.out.starts_with("{\"version\":2,\"payload_id\":\""));
  CHECK(before.starts_with(all.out.substr(0, all.out.find('\n')) + "\t"));
  CHECK(holds(all.err, "{\"pending\":10,\"delivered\":0,\"failed\":0,\"crc_failures\":0,"));
  CHECK(wal("export", home, {"--status", "delivered"}).out.empty());
  CHECK(read_file(home.segment()) == before);
}

TEST_CASE("A log can be looked at while its server runs") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const std::string id = payload_id(write_content(client, "x"));
  wait_until_delivered(*server);
  CHECK(holds(wal("export", home, {"--status", "delivered"}).out, id));
  CHECK(stop(*server) == 0);
}

TEST_CASE("Verification finds a clean log clean and names the first damage") {
  const killed_home home;
  const auto clean = wal("verify", home);
  INFO(clean.out);
  CHECK(clean.status == 0);
  CHECK(holds(clean.out, "10 pending"));
  std::string bytes = read_file(home.segment());
  bytes[bytes.find("entry 2")] = 'E';
  write_file(home.segment(), bytes);
  const auto damaged = wal("verify", home);
  INFO(damaged.out);
  CHECK(damaged.status == 1);
  CHECK(holds(damaged.out, "1 wrong CRCs"));
  const std::string name = std::filesystem::path(home.segment()).filename();
  CHECK(holds(damaged.out, "first damage: " + name + " line 3,"));
  const auto json = wal("verify", home, {"--json"});
  CHECK(json.status == 1);
  CHECK(holds(json.out, "\"first_damage\":{\"segment\":\"" + name + "\",\"line\":3,"));
  CHECK(holds(json.out, "\"pending\":9,"));
}

TEST_CASE("What cannot be read is told apart from what is damaged") {
  const server_home home;
  CHECK(wal("verify", home).status == 2);
  CHECK(wal("export", home).status == 1);
  CHECK(wal("verify", home, {"--integrity", "mac"}).status == 2);
  CHECK(wal("verify", home, {"--integrity", "mac", "--mac-key", "hex:0g"}).status == 2);
  CHECK(wal("verify", home, {"--integrity", "none"}).status == 1);
}

TEST_CASE("A log with HMACs is verified with its key, however the key is given") {
  const server_home home;
  home.write("key", "0123456789\n");
  home.write(
      "daemon.toml",
      std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") + server_home::admin_token +
          "\"\n[daemon.wal.integrity]\nmode = \"mac\"\nmac_key_file = \"file:" + home.path() +
          "/key\"\n");
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "x"));
  CHECK(stop(*server) == 0);
  const auto with = [&](const std::string& key) {
    return wal("verify", home, {"--integrity", "mac", "--mac-key", key});
  };
  CHECK(with("file:" + home.path() + "/key").status == 0);
  CHECK(with("0123456789").status == 0);
  CHECK(with("hex:30313233343536373839").status == 0);
  const auto wrong = with("another");
  CHECK(wrong.status == 1);
  CHECK(holds(wrong.out, "1 wrong HMACs"));
}
