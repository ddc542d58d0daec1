// Advice about keys: who has them, who can guess them, who can read them.
#include <sys/stat.h>

#include <filesystem>

#include "config/certificate.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::has_code;
using test::home;
using test::texts;
using test::variable;

namespace {

const std::string admin_key = "0123456789abcdef of the admin";
const std::string source_key = "0123456789abcdef of the source";

/// A home in mode simple, where keys may stand in the files.
struct simple_home : home {
  simple_home() { with_daemon(""); }
  void with_daemon(const std::string& more) {
    daemon("[daemon]\nmode = \"simple\"\nadmin_token = \"" + admin_key + "\"\n" + more);
  }
  /// The findings about a source with these lines.
  std::vector<config::finding> with_source(const std::string& keys) {
    write("sources/a.toml",
          "[source]\nname = \"a\"\n" + keys + "[source.idempotency]\nenabled = true\n");
    return lint();
  }
  /// Lets everybody enter it. False: they could not come that far.
  bool open_up() const {
    REQUIRE(::chmod(path().c_str(), 0755) == 0);
    for (auto at = std::filesystem::path(path()); at.has_relative_path();) {
      at = at.parent_path();
      struct stat info {};
      REQUIRE(::stat(at.c_str(), &info) == 0);
      if ((info.st_mode & S_IXOTH) == 0) return false;
    }
    return true;
  }
};

std::string api_key(const std::string& key) {
  return "api_key = \"" + key + "\"\n";
}

}  // namespace

TEST_CASE("short_key: a key that can be guessed") {
  simple_home files;
  const auto found = files.with_source(api_key("15 characters.."));
  REQUIRE(test::codes(found) == texts{"short_key"});
  CHECK(found[0].where.line == 3);
  CHECK(found[0].message.find("15 characters..") == std::string::npos);
  CHECK(files.with_source(api_key("16 characters...")).empty());
}

TEST_CASE("unsendable_key: a key that no header can hold") {
  simple_home files;
  const variable newline("NEXUS_TEST_KEY", (source_key + "\n").c_str());
  for (const auto& text : texts{"                 ", " " + source_key, source_key + " ",
                                source_key + "\\n" + source_key, "env:NEXUS_TEST_KEY"}) {
    INFO(text);
    const auto found = files.with_source(api_key(text));
    REQUIRE(test::codes(found) == texts{"unsendable_key"});
    CHECK(found[0].where.line == 3);
    CHECK(found[0].message.find(source_key) == std::string::npos);
  }
  test::write_file(files / "key", source_key + "\n");
  CHECK(files.with_source(api_key("file:" + files / "key")).empty());
}

TEST_CASE("shared_key: a source with the key of somebody who may do more") {
  simple_home files;
  const auto found = files.with_source(api_key(admin_key));
  REQUIRE(test::codes(found) == texts{"shared_key"});
  CHECK(found[0].message.find(admin_key) == std::string::npos);
  CHECK(files.with_source(api_key(source_key)).empty());

  files.with_daemon("mcp.api_key = \"" + source_key + "\"\n");
  CHECK(test::codes(files.with_source(api_key(source_key))) == texts{"shared_key"});
  files.with_daemon("mcp.api_key = \"" + admin_key + "\"\n");
  CHECK(test::codes(files.with_source(api_key(source_key))) == texts{"shared_key"});
}

TEST_CASE("repeated_key: a source that has one key twice") {
  simple_home files;
  const variable set("NEXUS_TEST_KEY", source_key.c_str());
  const auto found =
      files.with_source("api_keys = [\"" + source_key + "\", \"env:NEXUS_TEST_KEY\"]\n");
  REQUIRE(test::codes(found) == texts{"repeated_key"});
  CHECK(found[0].where.column > 20);
  CHECK(
      files.with_source("api_keys = [\"" + source_key + "\", \"" + source_key + "2\"]\n").empty());
}

TEST_CASE("duplicate_key: one of several keys is another source's as well") {
  simple_home files;
  const auto keys = [](const std::string& list) { return "api_keys = [" + list + "]\n"; };
  files.write("sources/b.toml", "[source]\nname = \"b\"\n" + keys("\"env:NOT_SET\", \"k2\""));
  CHECK(has_code(files.with_source(keys("\"k1\", \"env:NOT_SET\"")), "duplicate_key"));
  CHECK(has_code(files.with_source(keys("\"k1\", \"k2\"")), "duplicate_key"));
  CHECK_FALSE(has_code(files.with_source(keys("\"k1\", \"k3\"")), "duplicate_key"));
}

TEST_CASE("literal_key: each of several keys") {
  simple_home files;
  files.daemon("[daemon]\nadmin_token = \"env:NEXUS_TEST_KEY\"\nmcp.api_key = \"" + admin_key +
               "\"\n");
  const variable set("NEXUS_TEST_KEY", source_key.c_str());
  const auto found =
      files.with_source("api_keys = [\"the first of them\", \"and the second one\"]\n");
  CHECK(test::codes(found) == texts{"literal_key", "literal_key", "literal_key"});
}

TEST_CASE("readable_by_others: files with keys that everybody can read") {
  simple_home files;
  files.with_source(api_key(source_key));
  files.write("mac", admin_key + "\n");
  files.with_daemon("wal.integrity = { mode = \"mac\", mac_key_file = \"file:" + files / "mac" +
                    "\" }\n");
  for (const char* name : {"daemon.toml", "sources/a.toml", "mac"})
    REQUIRE(::chmod((files / name).c_str(), 0644) == 0);
  CHECK(files.lint().empty());  // the directory is closed
  if (!files.open_up()) return;
  REQUIRE(::chmod((files / "sources").c_str(), 0755) == 0);
  const auto said = files.lines(files.lint());
  REQUIRE(said.size() == 3);
  CHECK(said[0] ==
        "daemon.toml:3:1: warning: daemon.toml holds keys and everybody on this machine can read "
        "it; `chmod 600` it [readable_by_others]");
  CHECK(
      said[1].starts_with("daemon.toml:4:33: warning: mac, where "
                          "daemon.wal.integrity.mac_key_file is, and everybody"));
  CHECK(said[2].starts_with("sources/a.toml:3:1: warning: sources/a.toml holds keys"));
  for (const char* name : {"daemon.toml", "sources/a.toml", "mac"})
    REQUIRE(::chmod((files / name).c_str(), 0640) == 0);
  CHECK(files.lint().empty());
}

TEST_CASE("readable_by_others: the key of the certificate") {
  simple_home files;
  if (!files.open_up()) return;
  const auto made = config::make_self_signed("");
  REQUIRE(made.ok());
  files.write("pem", made->certificate + std::string(made->key.reveal()));
  const std::string place = "\"" + files / "pem" + "\"\n";
  files.with_daemon("tls.enabled = true\ntls.cert_file = " + place + "tls.key_file = " + place);
  REQUIRE(::chmod((files / "daemon.toml").c_str(), 0600) == 0);
  CHECK(test::codes(files.lint()) == texts{"readable_by_others"});
  REQUIRE(::chmod((files / "pem").c_str(), 0600) == 0);
  CHECK(files.lint().empty());
}
