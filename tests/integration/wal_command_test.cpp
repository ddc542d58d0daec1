// `nexus wal export`, `inspect` and `verify` on logs that a server left behind, whole and damaged.
#include <algorithm>
#include <csignal>
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

command_outcome wal(const std::string& command, const server_home& home,
                    std::vector<std::string> more = {}) {
  std::vector<std::string> all{NEXUS_PROGRAM, "wal", command, "--dir", home.wal()};
  all.insert(all.end(), more.begin(), more.end());
  return run_program(all);
}

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
  CHECK(holds(clean.out, "10 entries"));
  CHECK(holds(clean.out, "\nclean\n"));
  std::string bytes = read_file(home.segment());
  bytes[bytes.find("entry 2")] = 'E';
  write_file(home.segment(), bytes);
  const auto damaged = wal("verify", home);
  INFO(damaged.out);
  CHECK(damaged.status == 1);
  const std::string name = std::filesystem::path(home.segment()).filename();
  CHECK(holds(damaged.out, "\n1 breach\nfirst breach: " + name + " line 3, at byte "));
  const auto json = wal("verify", home, {"--json"});
  CHECK(json.status == 1);
  CHECK(json.out.starts_with("{\"clean\":false,\"breaches\":1,"));
  CHECK(holds(json.out, "\"segment\":\"" + name + "\",\"line\":3,"));
}

TEST_CASE("An inspection shows each segment, and where the first damage is") {
  const killed_home home;
  const std::string name = std::filesystem::path(home.segment()).filename();
  const auto whole = home.nexus({"wal", "inspect"});
  INFO(whole.out << whole.err);
  CHECK(whole.status == 0);
  CHECK(whole.out.starts_with("segment "));
  CHECK(holds(whole.out, "\n" + name + " "));
  CHECK(holds(whole.out, "\ntotal "));
  CHECK_FALSE(holds(whole.out, "damage:"));
  const auto json = wal("inspect", home, {"--json"});
  CHECK(json.status == 0);
  CHECK(json.out.starts_with("{\"pending\":10,"));
  CHECK(holds(json.out, "\"clean\":true,\"files\":[{\"name\":\"" + name + "\","));
  std::string bytes = read_file(home.segment());
  bytes[bytes.find("entry 2")] = 'E';
  write_file(home.segment(), bytes);
  const auto damaged = home.nexus({"wal", "inspect"});
  CHECK(damaged.status == 0);
  INFO(damaged.out);
  // The server was killed before it synced again: the line may just as well never have been
  // written.
  CHECK(holds(damaged.out, "damage: 0 wrong CRC,"));
  CHECK(holds(damaged.out, " 1 torn,"));
  CHECK(holds(damaged.out, "first damage: " + name + " line 3,"));
}

TEST_CASE("An export can be narrowed to a source and to a span of time") {
  const killed_home home;
  const auto count = [&](std::vector<std::string> flags) {
    const auto out = wal("export", home, std::move(flags));
    INFO(out.err);
    CHECK(out.status == 0);
    return std::count(out.out.begin(), out.out.end(), '\n');
  };
  CHECK(count({"--source", "main"}) == 10);
  CHECK(count({"--source", "other"}) == 0);
  CHECK(count({"--since", "2020-01-01T00:00:00Z", "--until", "2200-01-01T00:00:00Z"}) == 10);
  CHECK(count({"--since", "2200-01-01T00:00:00+02:00"}) == 0);
  CHECK(count({"--until", "2020-01-01T00:00:00Z", "--status", "all"}) == 0);
  const auto wrong = wal("export", home, {"--since", "yesterday"});
  CHECK(wrong.status == 1);
  CHECK(holds(wrong.err, "--since yesterday"));
}

TEST_CASE("A log is found through its home or its directory, not both") {
  const killed_home home;
  CHECK(home.nexus({"wal", "verify"}).status == 0);
  CHECK(home.nexus({"wal", "verify", "--dir", home.wal()}).status == 1);
  const auto keys = home.nexus({"wal", "verify", "--mac-key", "x"});
  CHECK(keys.status == 1);
  CHECK(holds(keys.err, "--dir"));
}

TEST_CASE("An encrypted log is read with the keys of its home, or with those that are named") {
  const server_home home;
  const std::string key(64, 'a');
  home.write("key", key + "\n");
  home.write("daemon.toml",
             std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                 server_home::admin_token +
                 "\"\n[daemon.wal.encryption]\nenabled = true\ncipher = \"xchacha20-poly1305\"\n"
                 "key_file = \"file:" +
                 home.path() + "/key\"\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto id = payload_id(write_content(client, "x"));
  CHECK(stop(*server) == 0);
  CHECK(home.nexus({"wal", "verify"}).status == 0);
  CHECK(holds(home.nexus({"wal", "export", "--status", "all"}).out, id));
  const auto inspected = home.nexus({"wal", "inspect"});
  CHECK(holds(inspected.out, "key "));
  CHECK(holds(home.nexus({"wal", "inspect", "--json"}).out, "\"encrypted\":true"));
  const std::string reference = "file:" + home.path() + "/key";
  for (const std::string flag : {"--key-file", "--previous-key-file"})
    CHECK(holds(wal("export", home, {"--status", "all", flag, reference}).out, id));

  for (const std::vector<std::string>& flags :
       {std::vector<std::string>{}, {"--key-file", std::string(64, 'b')}}) {
    for (const std::string command : {"inspect", "export", "verify", "settle", "repair"}) {
      const auto refused = wal(command, home, flags);
      INFO(command << refused.out << refused.err);
      CHECK(refused.status == (command == "verify" ? 2 : 1));
      CHECK(refused.out.empty());
      CHECK(holds(refused.err, "key"));
    }
  }
  const auto short_key = wal("inspect", home, {"--key-file", home.path() + "/key"});
  CHECK(short_key.status == 1);
  CHECK(holds(short_key.err, "--key-file: a key is 32 bytes"));
  CHECK(holds(short_key.err, "file:/path"));
  CHECK(wal("inspect", home, {"--key-file", "file:/nowhere/key"}).status == 1);
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
  CHECK(holds(wrong.out, "first breach: "));
  CHECK(home.nexus({"wal", "verify"}).status == 0);
  const auto strict =
      wal("verify", home, {"--integrity", "mac", "--mac-key", "0123456789", "--strict", "--json"});
  CHECK(strict.status == 0);
  const auto unset = with("env:NEXUS_TEST_NO_SUCH_VARIABLE");
  CHECK(unset.status == 2);
  CHECK(holds(unset.err, "--mac-key"));
}
