// The files of TLS: what is wrong with them is said at the start, and they can be replaced.
#include <string>
#include <vector>

#include "tests/http/tls_fixture.hpp"

using namespace nexus;
using namespace nexus::test;
using http::tls_client_auth;

namespace {

struct fault {
  std::string name;
  http::tls_options options;
  std::string file;  ///< that the error must name
  std::string words;
};

std::vector<fault> faults_of(const tls_files& files) {
  const auto good = files.server_options(tls_client_auth::required);
  std::vector<fault> all;
  const auto add = [&](std::string name, auto change, std::string file, std::string words) {
    auto options = good;
    change(options);
    all.push_back({std::move(name), options, std::move(file), std::move(words)});
  };
  const auto missing = files.dir / "missing.pem";
  const auto noise = files.dir / "noise.pem";
  write_file(noise, "not PEM at all\n");
  files.write("rsa", certificate("rsa", files.ca, {-60, 3600, "", true}));
  files.write("locked", certificate("locked", files.ca, {-60, 3600, "open sesame"}));
  const auto directory = files.dir.path();
  add(
      "no certificate", [](auto& o) { o.cert_file.clear(); }, "", "needs a certificate");
  add(
      "no key", [](auto& o) { o.key_file.clear(); }, "", "needs a private key");
  add(
      "no authority", [](auto& o) { o.client_ca_file.clear(); }, "", "needs the authority");
  add(
      "a missing certificate", [&](auto& o) { o.cert_file = missing; }, missing, "No such file");
  add(
      "a missing key", [&](auto& o) { o.key_file = missing; }, missing, "No such file");
  add(
      "a missing authority", [&](auto& o) { o.client_ca_file = missing; }, missing, "No such file");
  add(
      "a directory", [&](auto& o) { o.cert_file = directory; }, directory, "directory");
  add(
      "noise for a certificate", [&](auto& o) { o.cert_file = noise; }, noise, "PEM");
  add(
      "noise for a key", [&](auto& o) { o.key_file = noise; }, noise, "PEM");
  add(
      "noise for an authority", [&](auto& o) { o.client_ca_file = noise; }, noise, "PEM");
  add(
      "a key for a certificate", [&](auto& o) { o.cert_file = files.key("server"); },
      files.key("server"), "PEM");
  add(
      "the key of another certificate", [&](auto& o) { o.key_file = files.key("client"); },
      files.key("client"), "does not belong to the certificate " + files.cert("server"));
  add(
      "a key of another kind", [&](auto& o) { o.key_file = files.key("rsa"); }, files.key("rsa"),
      "does not belong to the certificate");
  add(
      "a key with a passphrase",
      [&](auto& o) {
        o.cert_file = files.cert("locked");
        o.key_file = files.key("locked");
      },
      files.key("locked"), "has a passphrase");
  add(
      "versions the wrong way round", [](auto& o) { o.max_version = 0x0302; }, "", "min_version");
  return all;
}

/// Remembers warnings.
class warnings : public core::logger {
 public:
  void write(core::log_level level, std::string_view text) override {
    if (level == core::log_level::warn) all.emplace_back(text);
  }
  void set_level(core::log_level) override {}
  std::vector<std::string> all;
};

}  // namespace

TEST_CASE("a server does not start with TLS files that cannot be used, and says why") {
  const tls_files files;
  test_handler handler;
  core::metrics metrics;
  for (const auto& each : faults_of(files)) {
    INFO(each.name);
    http::server_options options;
    options.port = 0;
    options.tls = each.options;
    const auto started = http::server::start(options, handler, core::make_null_logger(), metrics);
    REQUIRE_FALSE(started.ok());
    const auto& [code, text, number] = started.reason();
    INFO(text);
    CHECK(code == core::errc::bad_config);
    CHECK(text.find(each.file) != std::string::npos);
    CHECK(text.find(each.words) != std::string::npos);
  }
}

TEST_CASE("files that cannot be used replace nothing") {
  const tls_files files;
  tls_server running(files.server_options());
  for (const auto& each : faults_of(files)) {
    INFO(each.name);
    const auto replaced = running.server->load_tls(each.options);
    REQUIRE_FALSE(replaced.ok());
    CHECK(replaced.reason().code == core::errc::bad_config);
  }
  CHECK(running.serves(files.client_options()));
}

TEST_CASE("an RSA key, and a certificate that has expired, are taken, the latter with a warning") {
  const tls_files files;
  const auto log = std::make_shared<warnings>();
  files.write("server", certificate("rsa", files.ca, {-60, 3600, "", true}));
  {
    tls_server running(files.server_options(), {}, log);
    CHECK(running.serves(files.client_options()));
    CHECK(log->all.empty());
  }
  files.write("server", certificate("late", files.ca, {-7200, -3600}));
  tls_server running(files.server_options(), {}, log);
  CHECK(running.serves({}));  // a client that trusts everybody
  REQUIRE(log->all.size() == 1);
  CHECK(log->all.front().find(files.cert("server") + " has expired") != std::string::npos);
  files.write("server", certificate("early", files.ca, {3600, 7200}));
  REQUIRE(running.server->load_tls(files.server_options()).ok());
  REQUIRE(log->all.size() == 2);
  CHECK(log->all.back().find("is not valid yet") != std::string::npos);
}

TEST_CASE("new certificates hold for new connections, and those that are open end") {
  const tls_files files;
  tls_server running(files.server_options());
  tls_client before(running.server->port(), files.client_options());
  CHECK(before.request("GET", "/x")->status == 200);
  CHECK(before.server_name() == "server");
  tls_client waiting(running.server->port(), files.client_options());
  REQUIRE(waiting.send(get("/hold")));
  running.handler.wait_held(1);
  files.write("server", certificate("renewed", files.ca));
  auto renewed = running.server->load_tls(files.server_options(tls_client_auth::required));
  REQUIRE(renewed.ok());
  {
    tls_client meanwhile(running.server->port(), files.client_options());
    CHECK(meanwhile.request("GET", "/x")->status == 200);
    CHECK(meanwhile.server_name() == "server");  // they are not in use yet
  }
  running.server->use_tls(*std::move(renewed));
  auto how = files.client_options("client");
  how.session = before.session();  // of the time when nobody had to show a certificate
  tls_client after(running.server->port(), how);
  CHECK(after.request("GET", "/x")->status == 200);
  CHECK(after.server_name() == "renewed");
  CHECK_FALSE(after.was_resumed());
  how.cert_file.clear();
  CHECK_FALSE(running.serves(how));
  CHECK_FALSE(before.request("GET", "/x"));
  running.handler.take_held().front()(test_handler::answer(200, "at last"));
  const auto last = waiting.read_answer();
  REQUIRE(last);
  CHECK(last->body == "at last");
  CHECK(last->header("Connection") == "close");
  CHECK(waiting.at_end());
}

TEST_CASE("a server without TLS cannot be given certificates while it runs") {
  const tls_files files;
  running_server running;
  const auto replaced = running.server->load_tls(files.server_options());
  REQUIRE_FALSE(replaced.ok());
  CHECK(replaced.reason().code == core::errc::unsupported);
}
