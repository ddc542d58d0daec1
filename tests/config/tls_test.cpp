// `[daemon.tls]`: paths, versions, and files that fit together.
#include "config/certificate.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;
using test::variable;

namespace {

/// A home with a certificate and its key.
struct tls_home : home {
  tls_home() {
    const auto made = config::make_self_signed("box.example");
    REQUIRE(made.ok());
    write("cert.pem", made->certificate);
    write("key.pem", std::string(made->key.reveal()));
  }
  /// `more` stands in [daemon.tls].
  config::examination with(const std::string& cert, const std::string& key,
                           const std::string& more = "") {
    daemon("[daemon]\nadmin_token = \"t\"\n[daemon.tls]\nenabled = true\ncert_file = \"" + cert +
           "\"\nkey_file = \"" + key + "\"\n" + more);
    return examine();
  }
  config::examination with(const std::string& more) {
    return with(*this / "cert.pem", *this / "key.pem", more);
  }
  texts said_with(const std::string& more) { return lines(with(more).findings); }
};

}  // namespace

TEST_CASE("TLS is off, and from 1.2 to 1.3, unless the file says otherwise") {
  home files;
  const auto tls = files.settings().tls;
  CHECK_FALSE(tls.enabled);
  CHECK(tls.min_version == config::tls_version::v1_2);
  CHECK(tls.max_version == config::tls_version::v1_3);
  CHECK(tls.clients == config::client_auth::none);
}

TEST_CASE("certificate and key are paths, or references to paths") {
  tls_home files;
  const std::string cert = files / "cert.pem";
  const std::string key = files / "key.pem";
  files.write("where", key + "\n");
  const variable set("NEXUS_TEST_CERT", cert.c_str());
  const std::vector<std::pair<std::string, std::string>> all{
      {cert, key},
      {"env:NEXUS_TEST_CERT", "file:" + files / "where"},
      {"file:" + cert, "file:" + key}};
  for (const auto& [cert_reference, key_reference] : all) {
    INFO(cert_reference);
    const auto found = files.with(cert_reference, key_reference);
    REQUIRE(found.settings);
    CHECK(found.findings.empty());
    CHECK(found.settings->tls.enabled);
    CHECK(found.settings->tls.cert_file == cert);
    CHECK(found.settings->tls.key_file == key);
  }
}

TEST_CASE("TLS without certificate and key is two errors") {
  home files;
  files.daemon("[daemon]\nadmin_token = \"t\"\ntls.enabled = true\ntls.cert_file = \"\"\n");
  CHECK(files.said() ==
        texts{"daemon.toml:4:5: error: SCHEMA_ERROR: daemon.tls.cert_file is needed while "
              "daemon.tls.enabled is true: the path of a PEM file, or env:NAME [tls_missing_cert]",
              "daemon.toml:3:1: error: SCHEMA_ERROR: daemon.tls.key_file is needed while "
              "daemon.tls.enabled is true: the path of a PEM file, or env:NAME [tls_missing_key]"});
  const variable unset("NEXUS_TEST_CERT", nullptr);
  tls_home other;
  const auto found = other.with("env:NEXUS_TEST_CERT", other / "key.pem");
  REQUIRE(test::codes(found.findings) == texts{"tls_missing_cert"});
  CHECK(found.findings[0].message.find("NEXUS_TEST_CERT") != std::string::npos);
}

TEST_CASE("while TLS is off nobody looks at its files") {
  home files;
  files.daemon(
      "[daemon]\nadmin_token = \"t\"\ntls.enabled = false\ntls.cert_file = \"/nowhere\"\n");
  CHECK(files.examine().findings.empty());
}

TEST_CASE("a file that cannot be read, or holds something else, is an error that names it") {
  tls_home files;
  const std::string cert = files / "cert.pem";
  const std::string key = files / "key.pem";
  const auto said = [&](const std::string& c, const std::string& k) {
    return files.lines(files.with(c, k).findings);
  };
  CHECK(said(files / "gone.pem", key).front().find("gone.pem") != std::string::npos);
  CHECK(test::codes(files.with(files / "gone.pem", key).findings) == texts{"tls_bad_cert"});
  CHECK(test::codes(files.with(cert, files / "gone.pem").findings) == texts{"tls_bad_key"});
  CHECK(test::codes(files.with("file:" + files / "gone.pem", key).findings) ==
        texts{"unresolved_reference"});
  // Nothing to be guessed from: neither the file's contents nor OpenSSL's addresses.
  files.write("odd.pem", "secret words\n");
  CHECK(said(files / "odd.pem", key).front().find("secret words") == std::string::npos);
  CHECK(test::codes(files.with(files / "odd.pem", key).findings) == texts{"tls_bad_cert"});
  CHECK(test::codes(files.with(cert, files / "odd.pem").findings) == texts{"tls_bad_key"});
  CHECK(test::codes(files.with(key, key).findings) == texts{"tls_bad_cert"});
}

TEST_CASE("a key of another certificate, or with a passphrase, is an error") {
  tls_home files;
  const auto other = config::make_self_signed("");
  REQUIRE(other.ok());
  files.write("other.pem", std::string(other->key.reveal()));
  const auto found = files.with(files / "cert.pem", files / "other.pem");
  REQUIRE(test::codes(found.findings) == texts{"tls_bad_key"});
  CHECK(found.findings[0].message.find("not the key of the certificate") != std::string::npos);
  // Any bytes will do: the passphrase is asked for before they are looked at.
  files.write("locked.pem",
              "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
              "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\n"
              "AAAAAAAAAAAAAAAAAAAAAA==\n-----END EC PRIVATE KEY-----\n");
  const auto locked = files.with(files / "cert.pem", files / "locked.pem");
  REQUIRE(test::codes(locked.findings) == texts{"tls_bad_key"});
  CHECK(locked.findings[0].message.find("passphrase") != std::string::npos);
}

TEST_CASE("versions are those from 1.0 to 1.3, in this order") {
  using enum config::tls_version;
  tls_home files;
  const auto found = files.with("min_version = \"1.3\"\nmax_version = \"1.3\"\n");
  REQUIRE(found.settings);
  CHECK(found.settings->tls.min_version == v1_3);
  CHECK(found.settings->tls.max_version == v1_3);
  CHECK(files.said_with("min_version = \"1.3\"\nmax_version = \"1.2\"\n") ==
        texts{"daemon.toml:7:1: error: SCHEMA_ERROR: daemon.tls.min_version is above "
              "daemon.tls.max_version: no connection could be made [conflicting_keys]"});
  CHECK(files.said_with("max_version = \"1.4\"\n") ==
        texts{"daemon.toml:7:1: error: SCHEMA_ERROR: daemon.tls.max_version is \"1.4\"; it can be "
              "1.0, 1.1, 1.2 or 1.3 [unknown_value]"});
  const auto old = files.with("min_version = \"1.0\"\n");
  CHECK(old.settings);
  CHECK(test::codes(old.findings) == texts{"tls_old_version"});
  CHECK(old.findings[0].level == config::severity::warning);
}

TEST_CASE("clients are asked for certificates only where it is known whom these come from") {
  using enum config::client_auth;
  tls_home files;
  const std::string ca = "client_ca_file = \"" + files / "cert.pem" + "\"\n";
  const auto strict = files.with(ca + "client_auth = \"require_and_verify\"\n");
  REQUIRE(strict.settings);
  CHECK(strict.findings.empty());
  CHECK(strict.settings->tls.clients == required);
  CHECK(strict.settings->tls.client_ca_file == files / "cert.pem");
  CHECK(files.with(ca + "client_auth = \"verify_if_given\"\n").settings->tls.clients == if_given);
  CHECK(test::codes(files.with("client_auth = \"verify_if_given\"\n").findings) ==
        texts{"tls_missing_ca"});
  CHECK(test::codes(files.with("client_auth = \"always\"\n").findings) == texts{"unknown_value"});
  CHECK(test::codes(files.with(ca + "client_auth = \"no_client_cert\"\n").findings) ==
        texts{"tls_unused_ca"});
  CHECK(test::codes(files
                        .with("client_ca_file = \"/nowhere\"\n"
                              "client_auth = \"require_and_verify\"\n")
                        .findings) == texts{"tls_bad_ca"});
}

TEST_CASE("a made certificate is for this machine, and nobody else has its key") {
  const auto one = config::make_self_signed("box.example");
  const auto two = config::make_self_signed("bad,DNS:other.example");
  REQUIRE(one.ok());
  REQUIRE(two.ok());
  CHECK(one->key.reveal() != two->key.reveal());
  CHECK(config::check_key_of(one->certificate, one->key.reveal()).ok());
  CHECK_FALSE(config::check_key_of(one->certificate, two->key.reveal()).ok());
  const auto read = config::read_certificate(one->certificate);
  REQUIRE(read.ok());
  CHECK_FALSE(read->expired);
  CHECK(read->public_key_pin.starts_with("sha256//"));
  CHECK(read->public_key_pin != config::read_certificate(two->certificate)->public_key_pin);
}

TEST_CASE("a certificate that has expired is a warning") {
  tls_home files;
  // Valid in January 2006. Nobody has its key.
  files.write("old.pem", R"(-----BEGIN CERTIFICATE-----
MIIBDzCBtgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb25nLmdvbmUwHhcN
MDYwMTAxMDAwMDAwWhcNMDYwMjAxMDAwMDAwWjAUMRIwEAYDVQQDDAlsb25nLmdv
bmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR6wRoROc42j69d3YPy5oK6m3vp
UXV2zPBHJl2N9DDcBTA7xdmddN7U/8XaHE3W5a11Nsg05dKPBJtuwEyKQw4KMAoG
CCqGSM49BAMCA0gAMEUCIG7XtItLuWp9I0AxAVLwAU58XBrb6dIXhfanz+sf+4oi
AiEA08zowwclBiYnc+arVX65Sy6uLbSZXV6EX5GLCPVDvw8=
-----END CERTIFICATE-----
)");
  const auto found = files.with(files / "old.pem", files / "key.pem").findings;
  CHECK(test::codes(found) == texts{"tls_expired_cert", "tls_bad_key"});
  CHECK(found[0].level == config::severity::warning);
}
