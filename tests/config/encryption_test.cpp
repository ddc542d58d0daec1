// The keys of the log's encryption: where they come from, how they may be written.
#include "config/encryption.hpp"

#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;
using test::variable;

namespace {

const std::string raw_key = "\x01 23456789abcdefghijklmnopqrstu\n";
const std::string hex_key = "012032333435363738396162636465666768696a6b6c6d6e6f7071727374750a";
const std::string base64_key = "ASAyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dQo=";
const std::string other_key(32, 'o');

void encryption(home& files, const std::string& lines) {
  files.daemon("[daemon]\nadmin_token = \"t\"\n[daemon.wal.encryption]\n" + lines);
}

/// The keys that a configuration means.
texts keys_of(home& files, const std::string& lines) {
  encryption(files, lines);
  texts out;
  for (const auto& key : files.settings().wal.encryption.keys) out.emplace_back(key.reveal());
  return out;
}

}  // namespace

TEST_CASE(
    "a key of 32 bytes may be written as it is, in hex or in Base64, with a newline or none") {
  REQUIRE(raw_key.size() == 32);
  home files;
  for (const std::string& written : {raw_key, hex_key, base64_key}) {
    for (const std::string end : {"", "\n", "\r\n"}) {
      files.write("key", written + end);
      CHECK(keys_of(files, "enabled = true\nkey_file = \"file:" + files / "key" + "\"\n") ==
            texts{raw_key});
    }
  }
  files.write("key", "012032333435363738396162636465666768696A6B6C6D6E6F7071727374750A");
  CHECK(keys_of(files, "enabled = true\nkey_file = \"file:" + files / "key" + "\"\n") ==
        texts{raw_key});
  const variable set("NEXUS_TEST_KEY", hex_key.c_str());
  CHECK(keys_of(files, "enabled = true\nkey_file = \"env:NEXUS_TEST_KEY\"\n") == texts{raw_key});
  CHECK(keys_of(files, "enabled = true\nkey_file = \"" + base64_key + "\"\n") == texts{raw_key});
}

TEST_CASE("every byte of a raw key counts, white space as well") {
  home files;
  for (const std::string& key : {std::string(32, ' '), std::string(32, '\n'), std::string(32, '\0'),
                                 "\r\n" + std::string(28, 'k') + "\r\n"}) {
    files.write("key", key);
    CHECK(keys_of(files, "enabled = true\nkey_file = \"file:" + files / "key" + "\"\n") ==
          texts{key});
  }
}

TEST_CASE("anything else is no key, and the error says where, and how to make one") {
  home files;
  for (const std::string& bad :
       {std::string("short"), std::string(31, 'k'), std::string(33, 'k'), std::string(63, 'a'),
        std::string(64, 'g'), std::string(65, 'a'), hex_key + "\n\n", " " + hex_key,
        std::string(44, '!'), base64_key.substr(0, 43), "=" + base64_key.substr(1)}) {
    files.write("key", bad);
    encryption(files, "enabled = true\nkey_file = \"file:" + files / "key" + "\"\n");
    INFO(bad);
    CHECK(files.said() ==
          texts{"daemon.toml:5:1: error: SCHEMA_ERROR: daemon.wal.encryption.key_file: a key is 32 "
                "bytes: as they are, as 64 hex digits, or as Base64; this is none of them (" +
                std::to_string(bad.size()) +
                " bytes). `openssl rand -hex 32` makes one [bad_key]"});
    CHECK_FALSE(files.examine().settings);
  }
}

TEST_CASE("encryption without a key is an error that says how to make one") {
  home files;
  encryption(files, "enabled = true\n");
  CHECK(
      files.said() ==
      texts{"daemon.toml:3:13: error: SCHEMA_ERROR: daemon.wal.encryption.key_file is missing; set "
            "it to env:NAME, file:/path or the key itself. `openssl rand -hex 32` makes one "
            "[missing_keyfile]"});
  const variable unset("NEXUS_TEST_KEY", nullptr);
  files.write("empty", "");
  for (const std::string& nothing :
       {std::string("env:NEXUS_TEST_KEY"), "file:" + files / "empty", std::string()}) {
    encryption(files, "enabled = true\nkey_file = \"" + nothing + "\"\n");
    CHECK(test::codes(files.examine().findings) == texts{"missing_keyfile"});
    encryption(files, "enabled = false\nkey_file = \"" + nothing + "\"\n");
    CHECK(files.said().empty());
  }
  encryption(files, "enabled = true\nkey_file = \"file:/nowhere/key\"\n");
  CHECK(test::codes(files.examine().findings) == texts{"unresolved_reference"});
  encryption(files, "enabled = true\nkey_file = 5\n");
  CHECK(test::codes(files.examine().findings) == texts{"wrong_type"});
}

TEST_CASE(
    "previous keys come after the current one, in their order, and all of them must be keys") {
  home files;
  files.write("one", std::string(32, '1') + "\n");
  files.write("two", std::string(32, '2'));
  const std::string previous =
      "previous_key_files = [\"file:" + files / "one" + "\",\n  \"file:" + files / "two" + "\"]\n";
  CHECK(keys_of(files, "enabled = true\nkey_file = \"" + other_key + "\"\n" + previous) ==
        texts{other_key, std::string(32, '1'), std::string(32, '2')});
  files.write("two", "");
  encryption(files, "enabled = true\nkey_file = \"" + other_key + "\"\n" + previous);
  const auto found = files.examine().findings;
  REQUIRE(test::codes(found) == texts{"bad_key"});
  CHECK(found[0].where.line == 7);
  CHECK(found[0].where.column == 3);
  encryption(files, "enabled = true\nkey_file = \"" + other_key +
                        "\"\nprevious_key_files = [\"file:/nowhere\"]\n");
  CHECK(test::codes(files.examine().findings) == texts{"unresolved_reference"});
}

TEST_CASE("switched off, the keys are kept for reading") {
  home files;
  CHECK(keys_of(files, "enabled = false\nkey_file = \"" + other_key + "\"\n") == texts{other_key});
  CHECK_FALSE(files.settings().wal.encryption.enabled);
  CHECK(keys_of(files, "previous_key_files = [\"" + other_key + "\"]\n") == texts{other_key});
  CHECK(keys_of(files, "enabled = false\n").empty());
}

TEST_CASE("an unknown cipher is an error, never another cipher") {
  home files;
  encryption(files, "enabled = true\ncipher = \"rot13\"\nkey_file = \"" + other_key + "\"\n");
  CHECK(files.said() ==
        texts{"daemon.toml:5:1: error: SCHEMA_ERROR: daemon.wal.encryption.cipher is \"rot13\"; it "
              "can be aes-256-gcm or xchacha20-poly1305 [unknown_value]"});
  for (const auto cipher :
       {config::wal_cipher::aes_256_gcm, config::wal_cipher::xchacha20_poly1305}) {
    encryption(files, "cipher = \"" + std::string(config::to_string(cipher)) + "\"\n");
    CHECK(files.settings().wal.encryption.cipher == cipher);
  }
}

TEST_CASE("no error tells a key") {
  home files;
  const std::string almost = "5ec4e7" + std::string(57, 'a');
  encryption(files, "enabled = true\nkey_file = \"" + almost + "\"\nprevious_key_files = [\"" +
                        almost + "\"]\n");
  const auto said = files.lines(files.lint());
  CHECK(test::codes(files.lint()) ==
        texts{"bad_key", "bad_key", "literal_key", "short_key", "literal_key", "literal_key"});
  for (const std::string& line : said) CHECK(line.find("5ec4e7") == std::string::npos);
}

TEST_CASE("what was delivered can be kept for no time, for hours and for ever") {
  home files;
  const auto with = [&](const std::string& hours) {
    files.daemon("[daemon]\nadmin_token = \"t\"\nwal.retain_delivered_hours = " + hours + "\n");
  };
  for (const std::int64_t hours : {-1, 0, 1, 1'000'000}) {
    with(std::to_string(hours));
    CHECK(files.settings().wal.retain_delivered_hours == hours);
  }
  for (const char* hours : {"-2", "1000001", "9223372036854775807"}) {
    with(hours);
    CHECK(test::codes(files.examine().findings) == texts{"out_of_range"});
  }
}

TEST_CASE("the free space that the log leaves is 16 MiB where the file says nothing that works") {
  home files;
  for (const char* size : {"0", "-1"}) {
    files.daemon("[daemon]\nadmin_token = \"t\"\nwal.min_free_mb = " + std::string(size) + "\n");
    CHECK(files.settings().wal.min_free_mb == 16);
  }
  files.daemon("[daemon]\nadmin_token = \"t\"\nwal.min_free_mb = 9223372036854775807\n");
  CHECK(test::codes(files.examine().findings) == texts{"out_of_range"});
}
