#include "destinations/http.hpp"
#include "tests/destinations/http_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::destinations;
using namespace nexus::test;

namespace {

/// A server with TLS, and the files of its certificates.
struct secure {
  explicit secure(bool wants_client_certificate = false)
      : receiver({0, {}, dir.path(), wants_client_certificate}) {
    options.url = receiver.url();
    options.ca_file = dir / "server.pem";
  }
  outcome deliver() { return deliver_one(*made(options), entry_that("a")); }

  temp_dir dir;
  http_receiver receiver;
  http_options options;
};

}  // namespace

TEST_CASE("a certificate of the configured authority is trusted") {
  secure with;
  CHECK(with.deliver().kind == outcome_kind::delivered);
  CHECK(made(with.options)->ping().ok());
  CHECK(with.receiver.take().requests.size() == 2);
}

TEST_CASE("another authority, the system's ones or a missing file are a config fault") {
  secure with;
  for (const std::string& wrong : {with.dir / "other.pem", std::string(), with.dir / "missing"}) {
    INFO(wrong);
    with.options.ca_file = wrong;
    CHECK(with.deliver().kind == outcome_kind::config_fault);
    const auto pinged = made(with.options)->ping();
    REQUIRE_FALSE(pinged.ok());
    CHECK(pinged.reason().code == core::errc::bad_config);
  }
  CHECK(with.receiver.take().requests.empty());
}

TEST_CASE("a certificate for another name is a config fault") {
  secure with;
  with.options.url = "https://localhost:" + std::to_string(with.receiver.port());
  CHECK(with.deliver().kind == outcome_kind::config_fault);
}

TEST_CASE("a server that asks for a certificate gets ours") {
  secure with(true);
  with.options.cert_file = with.dir / "server.pem";
  CHECK(with.deliver().kind == outcome_kind::delivered);
  with.options.key_file = with.dir / "server.pem.key";
  CHECK(with.deliver().kind == outcome_kind::delivered);
  CHECK(with.receiver.take().requests.size() == 2);
}

TEST_CASE("our own certificate file that is missing or has the wrong key is a config fault") {
  secure with(true);
  with.options.cert_file = with.dir / "missing";
  CHECK(with.deliver().kind == outcome_kind::config_fault);
  with.options.cert_file = with.dir / "server.pem";
  with.options.key_file = with.dir / "other.pem";
  CHECK(with.deliver().kind == outcome_kind::config_fault);
}

TEST_CASE("a server that does not take our certificate delivers nothing") {
  secure with(true);
  with.options.cert_file = with.dir / "other.pem";
  CHECK(with.deliver().kind == outcome_kind::unreachable);
  CHECK(with.receiver.take().requests.empty());
}

TEST_CASE("a server without TLS behind an https URL costs no attempt") {
  http_receiver plain;
  const auto to = made_for("https://127.0.0.1:" + std::to_string(plain.port()));
  // Newer versions of libcurl call it a certificate that could not be verified.
  const auto kind = deliver_one(*to, entry_that("a")).kind;
  CHECK((kind == outcome_kind::unreachable || kind == outcome_kind::config_fault));
}
