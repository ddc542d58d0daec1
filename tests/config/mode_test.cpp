// What the modes fill in, and what they must not.
#include "config/mode.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;

namespace {

config::examination with(const std::string& lines) {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\n" + lines);
  return files.examine();
}

const std::string accepted = "tls.enabled = false\n";
const std::string encryption_key =
    "wal.encryption.key_file = \"0123456789abcdefghijklmnopqrstuv\"\n";

}  // namespace

TEST_CASE("the modes fill in what v0.1.2 lists") {
  const auto safe = *config::find_mode("safe");
  CHECK(safe.tls);
  CHECK(safe.wal_encryption);
  CHECK(safe.mac);
  CHECK_FALSE(safe.accept_unsigned);
  CHECK(safe.global_requests_per_minute == 500);
  const auto fast = *config::find_mode("fast");
  CHECK_FALSE(fast.tls);
  CHECK_FALSE(fast.wal_encryption);
  CHECK_FALSE(fast.mac);
  CHECK(fast.global_requests_per_minute == 10'000);
  for (const char* plain : {"", "simple", "balanced"}) {
    const auto preset = *config::find_mode(plain);
    CHECK_FALSE(preset.tls);
    CHECK_FALSE(preset.wal_encryption);
    CHECK_FALSE(preset.mac);
    CHECK(preset.accept_unsigned);
    CHECK(preset.global_requests_per_minute == 2000);
  }
}

TEST_CASE("mode safe asks for TLS, and so for a certificate and its key") {
  const auto found = with("mode = \"safe\"\nwal.integrity.mac_key_file = \"k\"\n" + encryption_key);
  CHECK_FALSE(found.settings);
  CHECK(test::codes(found.findings) == texts{"tls_missing_cert", "tls_missing_key"});
  CHECK(found.findings[0].message ==
        "SCHEMA_ERROR: daemon.tls.cert_file is needed while daemon.tls.enabled is true: the path "
        "of a PEM file, or env:NAME");
}

TEST_CASE("mode safe starts without TLS where the file says so") {
  const auto found =
      with("mode = \"SAFE \"\nwal.integrity.mac_key_file = \"k\"\n" + accepted + encryption_key);
  REQUIRE(found.settings);
  CHECK(found.findings.empty());
  CHECK(found.settings->mode == "safe");
  CHECK(found.settings->wal.mac);
  CHECK_FALSE(found.settings->wal.accept_unsigned);
  CHECK(found.settings->wal.encryption.enabled);
  CHECK(found.settings->global_requests_per_minute == 500);
}

TEST_CASE("mode safe needs a key for its signatures and one for its encryption") {
  const auto safe = "mode = \"safe\"\n" + accepted;
  const std::string mac_key = "wal.integrity.mac_key_file = \"k\"\n";
  CHECK(test::codes(with(safe).findings) == texts{"missing_keyfile", "missing_keyfile"});
  CHECK(test::codes(with(safe + encryption_key).findings) == texts{"missing_keyfile"});
  CHECK(test::codes(with(safe + mac_key).findings) == texts{"missing_keyfile"});
}

TEST_CASE("what the file says wins over the mode") {
  const auto safe = with(
      "mode = \"safe\"\nwal.integrity.mode = \"crc32\"\n"
      "wal.integrity.accept_unsigned = true\n"
      "rate_limit.global_requests_per_minute = 9\nwal.encryption.enabled = false\n" +
      accepted);
  REQUIRE(safe.settings);
  CHECK_FALSE(safe.settings->wal.mac);
  CHECK_FALSE(safe.settings->wal.encryption.enabled);
  CHECK(safe.settings->wal.accept_unsigned);
  CHECK(safe.settings->global_requests_per_minute == 9);
  const auto fast =
      with("mode = \"fast\"\nwal.integrity = { mode = \"mac\", mac_key_file = \"k\" }\n");
  REQUIRE(fast.settings);
  CHECK(fast.settings->wal.mac);
  CHECK(fast.settings->global_requests_per_minute == 10'000);
}

TEST_CASE("an unknown mode is an error that names it") {
  const auto found = with("mode = \"Turbo\"\n");
  CHECK_FALSE(found.settings);
  REQUIRE(test::codes(found.findings) == texts{"unknown_mode"});
  CHECK(found.findings[0].message ==
        "SCHEMA_ERROR: daemon.mode is \"turbo\"; it can be simple, safe, balanced or fast");
}
