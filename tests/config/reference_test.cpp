// Where keys and paths come from.
#include <filesystem>

#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;
using test::variable;

namespace {

std::string token_of(home& files, const std::string& reference) {
  files.daemon("[daemon]\nadmin_token = \"" + reference + "\"\n");
  return std::string(files.settings().admin_token.reveal());
}

}  // namespace

TEST_CASE(
    "a key comes from the environment, from a file without the white space around it, or as it "
    "is") {
  home files;
  const variable set("NEXUS_TEST_KEY", " with space ");
  files.write("key", "\n  from a file\t\r\n");
  CHECK(token_of(files, "env:NEXUS_TEST_KEY") == " with space ");
  CHECK(token_of(files, "file:" + files / "key") == "from a file");
  CHECK(token_of(files, "literal") == "literal");
}

TEST_CASE("a literal key that looks like a path gets a warning") {
  home files;
  files.daemon(
      "[daemon]\nadmin_token = \"t\"\n[daemon.wal.integrity]\nmode = \"mac\"\n"
      "mac_key_file = \"/etc/key\"\n");
  CHECK(files.said() ==
        texts{"daemon.toml:5:1: warning: daemon.wal.integrity.mac_key_file looks like a path, but "
              "stands for the key itself; write file:/path to read the key from a file "
              "[literal_path]"});
  CHECK(files.examine().settings->wal.mac_key.reveal() == "/etc/key");
}

TEST_CASE("a key that cannot be read is an error that says why") {
  home files;
  files.daemon("[daemon]\nadmin_token = \"file:/nowhere/key\"\n");
  CHECK(files.said() == texts{"daemon.toml:2:1: error: SCHEMA_ERROR: daemon.admin_token: cannot "
                              "read /nowhere/key: No such file or directory "
                              "[unresolved_reference]"});
  files.daemon("[daemon]\nadmin_token = \"file:" + files.path() + "\"\n");
  CHECK(test::codes(files.examine().findings) == texts{"unresolved_reference"});
}

TEST_CASE("a key that leads to nothing is an error that says what to do") {
  home files;
  const variable unset("NEXUS_TEST_KEY", nullptr);
  const std::string at = "daemon.toml:2:1: error: SCHEMA_ERROR: daemon.admin_token ";
  files.daemon("[daemon]\nadmin_token = \"env:NEXUS_TEST_KEY\"\n");
  CHECK(files.said() == texts{at + "refers to the environment variable NEXUS_TEST_KEY, which is "
                                   "not set or empty [empty_key]"});
  files.write("key", " \n");
  files.daemon("[daemon]\nadmin_token = \"file:" + files / "key" + "\"\n");
  CHECK(files.said() == texts{at + "refers to key, which is empty [empty_key]"});
  files.daemon("[daemon]\nadmin_token = \"\"\n");
  CHECK(files.said() ==
        texts{at + "is empty; set it to env:NAME, file:/path or the key itself [empty_key]"});
  files.daemon("[daemon]\n");
  CHECK(files.said() == texts{"daemon.toml:1:2: error: SCHEMA_ERROR: daemon.admin_token is "
                              "missing; set it to env:NAME, file:/path or the key itself "
                              "[empty_key]"});
  files.daemon("");
  CHECK(files.said() == texts{"daemon.toml:1:1: error: SCHEMA_ERROR: daemon.admin_token is "
                              "missing; set it to env:NAME, file:/path or the key itself "
                              "[empty_key]"});
}

TEST_CASE("a destination's secret that leads to nothing is an error") {
  home files;
  const variable unset("NEXUS_TEST_KEY", nullptr);
  files.destination(
      "[destination]\nname = \"d\"\ntype = \"web\"\ntoken = \"env:NEXUS_TEST_KEY\"\n");
  CHECK(files.said() == texts{"destinations/d.toml:4:1: error: SCHEMA_ERROR: destination.token "
                              "refers to the environment variable NEXUS_TEST_KEY, which is not "
                              "set or empty [empty_key]"});
}

TEST_CASE("no finding holds a key") {
  home files;
  const variable set("NEXUS_TEST_KEY", "SESAME");
  files.daemon("[daemon]\nadmin_token = \"env:NEXUS_TEST_KEY\"\nport = -1\n");
  files.write("sources/a.toml", "[source]\nname = \"a\"\napi_key = \"SESAME\"\n");
  files.write("sources/b.toml", "[source]\nname = \"b\"\napi_key = \"SESAME\"\n");
  files.write("sources/c.toml", "[source]\nname = \"c\"\napi_key = SESAME\n");
  files.write("sources/d.toml", "[source]\nname = \"d\"\napi_key = [\"SESAME\"]\n");
  const auto findings = files.lint();
  CHECK(findings.size() > 4);
  for (const auto& problem : findings) {
    CHECK(to_string(problem).find("SESAME") == std::string::npos);
  }
}

TEST_CASE("a leading ~ stands for the user's home directory, in paths only") {
  home files;
  const variable user("HOME", "/home/someone");
  files.daemon("[daemon]\nadmin_token = \"~\"\nwal.path = \"~/wal\"\n");
  files.destination("[destination]\nname = \"d\"\ntype = \"sqlite\"\ndb_path = \"~/m.db\"\n");
  const config::config c = files.settings();
  CHECK(c.admin_token.reveal() == "~");
  CHECK(c.wal.path == "/home/someone/wal");
  CHECK(c.destinations.at(0).values.at("db_path") == "/home/someone/m.db");
}

TEST_CASE("another user's ~ is an error") {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\nwal.path = \"~root/wal\"\n");
  CHECK(files.said() ==
        texts{"daemon.toml:3:5: error: SCHEMA_ERROR: daemon.wal.path: ~ before a user's name is "
              "not supported; write the directory out [bad_path]"});
}

TEST_CASE("the home directory comes from NEXUS_HOME, BUBBLEFISH_HOME, or lies below the user's") {
  const variable user("HOME", "/home/someone");
  const variable unset("NEXUS_HOME", nullptr);
  {
    const variable reference("BUBBLEFISH_HOME", "/srv/nexus/");
    CHECK(*config::default_home() == "/srv/nexus");
    const variable ours("NEXUS_HOME", "some/where");
    CHECK(*config::default_home() == (std::filesystem::current_path() / "some/where").string());
  }
  const variable empty("BUBBLEFISH_HOME", "");
  CHECK(*config::default_home() == "/home/someone/.nexus");
}
