// The home directory that `nexus init` makes.
#include <sys/stat.h>

#include <filesystem>
#include <regex>

#include "config/encryption.hpp"
#include "config/scaffold.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::read_file;
using test::texts;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

bool matches(std::string_view text, const char* pattern) {
  return std::regex_match(std::string(text), std::regex(pattern));
}

}  // namespace

TEST_CASE("a fresh home loads, and lint has nothing to say about it") {
  const test::temp_dir dir;
  const auto made = config::write_scaffold(dir / "new/home", false);
  REQUIRE(made.ok());
  CHECK(config::lint(dir / "new/home", test::some_types()).empty());
  const auto loaded = config::load(dir / "new/home", test::some_types());
  REQUIRE(loaded.ok());
  const config::config& c = loaded->settings;
  CHECK(c.port == 8080);
  CHECK(c.bind == "127.0.0.1");
  CHECK(c.mode == "simple");
  CHECK(c.admin_token.reveal() == made->admin_token.reveal());
  REQUIRE(c.sources.size() == 1);
  const config::source_config& s = c.sources[0];
  CHECK(s.name == "default");
  CHECK(s.api_keys.front().reveal() == made->api_key.reveal());
  CHECK(s.can_read);
  CHECK(s.can_write);
  CHECK(s.target_destinations == std::vector<std::string>{"sqlite"});
  CHECK(s.idempotency_enabled);
  CHECK(s.dedup_window == std::chrono::seconds(300));
  using mapping = std::vector<std::pair<std::string, std::string>>;
  CHECK(s.mapping ==
        mapping{{"content", "message.content"}, {"role", "message.role"}, {"model", "model"}});
  REQUIRE(c.destinations.size() == 1);
  CHECK(c.destinations[0].name == "sqlite");
  CHECK(c.destinations[0].values.at("db_path") == dir / "new/home/memories.db");
}

TEST_CASE("a fresh home says its port in a line of its own") {
  const test::temp_dir dir;
  REQUIRE(config::write_scaffold(dir.path(), false).ok());
  CHECK(read_file(dir / "daemon.toml").find("\nport = 8080\n") != std::string::npos);
}

TEST_CASE("a fresh home has keys of its own, and says which") {
  const test::temp_dir dir;
  const auto one = config::write_scaffold(dir / "one", false);
  const auto two = config::write_scaffold(dir / "two", false);
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(matches(one->admin_token.reveal(), "bfn_admin_[0-9a-f]{64}"));
  CHECK(matches(one->api_key.reveal(), "bfn_data_[0-9a-f]{64}"));
  CHECK(one->admin_token.reveal() != two->admin_token.reveal());
  CHECK(one->api_key.reveal() != two->api_key.reveal());
  CHECK(one->files == texts{dir / "one/destinations/sqlite.toml", dir / "one/sources/default.toml",
                            dir / "one/daemon.toml"});
}

TEST_CASE("a fresh home in mode safe speaks TLS with a certificate of its own") {
  const test::temp_dir dir;
  const auto one = config::write_scaffold(dir / "a \"home\"", false, "safe");
  REQUIRE(one.ok());
  CHECK(one->certificate == dir / "a \"home\"/tls/cert.pem");
  const auto loaded = config::load(dir / "a \"home\"", test::some_types());
  REQUIRE(loaded.ok());
  const config::tls_config& tls = loaded->settings.tls;
  CHECK(tls.enabled);
  CHECK(tls.cert_file == one->certificate);
  CHECK(mode_of(tls.key_file) == 0600);
  CHECK(mode_of(dir / "a \"home\"/tls") == 0700);
  // A second one would be another server for those who know the first.
  const std::string before = read_file(tls.cert_file);
  std::filesystem::remove(dir / "a \"home\"/daemon.toml");
  CHECK_FALSE(config::write_scaffold(dir / "a \"home\"", false, "safe").ok());
  CHECK(read_file(tls.cert_file) == before);
  CHECK(config::write_scaffold(dir / "simple", false)->certificate.empty());
}

TEST_CASE("a fresh home in mode safe has keys of its own that sign and encrypt the log") {
  const test::temp_dir dir;
  const auto one = config::write_scaffold(dir / "one", false, "safe");
  const auto two = config::write_scaffold(dir / "two", false, "safe");
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(config::lint(dir / "one", test::some_types()).empty());
  const auto loaded = config::load(dir / "one", test::some_types());
  const auto other = config::load(dir / "two", test::some_types());
  REQUIRE(loaded.ok());
  REQUIRE(other.ok());
  const config::wal_config& wal = loaded->settings.wal;
  CHECK(wal.mac);
  CHECK(wal.encryption.enabled);
  CHECK(wal.encryption.cipher == config::best_cipher());
  REQUIRE(wal.encryption.keys.size() == 1);
  CHECK(wal.encryption.keys[0].reveal().size() == 32);
  CHECK(wal.encryption.keys[0].reveal() != other->settings.wal.encryption.keys[0].reveal());
  CHECK(matches(read_file(dir / "one/keys/wal_encryption"), "[0-9a-f]{64}\n"));
  CHECK(read_file(dir / "one/keys/wal_encryption") != read_file(dir / "one/keys/wal_mac"));
  CHECK(mode_of(dir / "one/keys") == 0700);
  CHECK(mode_of(dir / "one/keys/wal_encryption") == 0600);
}

TEST_CASE("nobody else can read a fresh home, whatever the umask") {
  const test::temp_dir dir;
  const mode_t before = ::umask(0);
  const auto made = config::write_scaffold(dir / "home", false);
  ::umask(before);
  REQUIRE(made.ok());
  for (const char* directory : {"home", "home/sources", "home/destinations"}) {
    CHECK(mode_of(dir / directory) == 0700);
  }
  for (const std::string& file : made->files) CHECK(mode_of(file) == 0600);
}

TEST_CASE("an existing configuration is left alone unless told otherwise") {
  const test::temp_dir dir;
  test::write_file(dir / "daemon.toml", "mine");
  const auto refused = config::write_scaffold(dir.path(), false);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::invalid_argument);
  CHECK(refused.reason().text.find(dir / "daemon.toml") != std::string::npos);
  CHECK(refused.reason().text.find("--force") != std::string::npos);
  CHECK(read_file(dir / "daemon.toml") == "mine");
  CHECK_FALSE(std::filesystem::exists(dir / "sources"));

  test::write_file(dir / "sources/other.toml", "[source]\nname = \"o\"\napi_key = \"o\"\n");
  test::write_file(dir / "daemon.toml.tmp", "left over");
  const auto forced = config::write_scaffold(dir.path(), true);
  REQUIRE(forced.ok());
  CHECK(mode_of(dir / "daemon.toml") == 0600);
  CHECK_FALSE(std::filesystem::exists(dir / "daemon.toml.tmp"));
  const auto loaded = config::load(dir.path(), test::some_types());
  REQUIRE(loaded.ok());
  CHECK(loaded->settings.sources.size() == 2);
}

TEST_CASE("a source file without a daemon.toml is left alone as well") {
  const test::temp_dir dir;
  test::write_file(dir / "sources/default.toml", "mine");
  CHECK_FALSE(config::write_scaffold(dir.path(), false).ok());
  CHECK(read_file(dir / "sources/default.toml") == "mine");
}

TEST_CASE("a home that cannot be made is an error that says where") {
  const test::temp_dir dir;
  test::write_file(dir / "file", "");
  const auto made = config::write_scaffold(dir / "file/home", false);
  REQUIRE_FALSE(made.ok());
  CHECK(made.reason().text.find(dir / "file") != std::string::npos);
}
