// Tokens of all classes, JSON Web Tokens, client addresses, CORS and security events, through real
// HTTP.
#include <sys/stat.h>

#include <zlib.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"
#include "tests/support/token_maker.hpp"

using namespace nexus;
using test::as;
using test::http_client;
using test::server_home;
using test::signing_key;
using test::token_header;

namespace {

/// A home whose daemon.toml has `more` behind the table [daemon].
std::unique_ptr<server_home> home_with(const std::string& more, const std::string& in_daemon = "") {
  auto home = std::make_unique<server_home>();
  home->write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                                 server_home::admin_token + "\"\n" + in_daemon + more);
  return home;
}

std::string error_of(const std::optional<test::http_answer>& answer) {
  REQUIRE(answer);
  const std::string start = "{\"error\":\"";
  if (!answer->body.starts_with(start)) return std::to_string(answer->status);
  return std::to_string(answer->status) + " " +
         answer->body.substr(start.size(), answer->body.find('"', start.size()) - start.size());
}

std::string get(http_client& client, const std::string& path, const std::string& token) {
  return error_of(client.request("GET", path, as(token)));
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 0777U;
}

/// For use in a URL.
std::string percent_encoded(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
  }
  return out;
}

/// Changes a word in the log, and the CRC of its line with it: only the HMAC tells.
void tamper(const std::string& segment, const std::string& from, const std::string& to) {
  auto bytes = test::read_file(segment);
  const auto at = bytes.find(from);
  REQUIRE(at != std::string::npos);
  bytes.replace(at, from.size(), to);
  const auto before = bytes.rfind('\n', at);
  const auto start = before == std::string::npos ? 0 : before + 1;
  const auto tab = bytes.find('\t', at);
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + start),
                           static_cast<uInt>(tab - start));
  std::array<char, 9> digits{};
  std::snprintf(digits.data(), digits.size(), "%08lx", static_cast<unsigned long>(crc));
  bytes.replace(tab + 1, 8, digits.data());
  test::write_file(segment, bytes);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each class of token opens what is its own, and nothing else") {
  const auto home = home_with("[daemon.mcp]\napi_key = \"bfn_mcp_key\"\n");
  const auto server = home->start();
  http_client client(server->port());
  const std::string admin = server_home::admin_token;
  const std::string main = server_home::main_key;
  CHECK(get(client, "/query/sqlite", main) == "200");
  CHECK(get(client, "/query/sqlite", admin) == "200");
  CHECK(get(client, "/query/sqlite", "bfn_mcp_key") == "401 wrong_token_class");
  CHECK(get(client, "/query/sqlite", "guess") == "401 unauthorized");
  CHECK(get(client, "/query/sqlite", "a.b.c") == "401 unauthorized");
  CHECK(get(client, "/api/status", admin) == "200");
  CHECK(get(client, "/api/status", main) == "401 wrong_token_class");
  CHECK(get(client, "/api/status", "bfn_mcp_key") == "401 wrong_token_class");
  CHECK(get(client, "/api/status", "guess") == "401 unauthorized");
  CHECK(error_of(client.request("GET", "/api/status")) == "401 unauthorized");
  const auto write = client.request("POST", "/inbound/main", as(admin), "{}");
  CHECK(error_of(write) == "401 wrong_token_class");
  CHECK_FALSE(write->header("WWW-Authenticate"));
  CHECK(has(write->body, "\"details\":{}}\n"));
  CHECK(error_of(client.request("POST", "/inbound/main", as("bfn_mcp_key"), "{}")) ==
        "401 wrong_token_class");
  CHECK(test::stop(*server) == 0);
}

TEST_CASE("a JSON Web Token opens the door once its key can be fetched") {
  const signing_key key(signing_key::kind::rsa_2048);
  const test::http_receiver provider;
  const auto home =
      home_with("[daemon.jwt]\nenabled = true\naudience = \"nexus\"\njwks_url = \"" +
                provider.url_to(percent_encoded("body=" + test::jwk_set(key.jwk("k1")))) + "\"\n");
  const auto server = home->start();
  http_client client(server->port());
  const auto expiry = std::to_string(std::time(nullptr) + 3600);
  const auto token = key.sign("RS256", token_header("RS256", "k1"),
                              R"({"sub":"main","aud":["nexus"],"exp":)" + expiry + "}");
  CHECK(error_of(client.request("POST", "/inbound/main", as(token), "{}")) == "200");
  CHECK(get(client, "/query/sqlite", token) == "200");
  CHECK(get(client, "/api/status", token) == "401 unauthorized");
  const auto expired =
      key.sign("RS256", token_header("RS256", "k1"), R"({"sub":"main","aud":"nexus","exp":1})");
  CHECK(get(client, "/query/sqlite", expired) == "401 unauthorized");
  CHECK(test::stop(*server) == 0);
  CHECK_FALSE(has(home->log(), token));
}

TEST_CASE("the server starts without its identity provider, and its own keys work") {
  const auto home =
      home_with("[daemon.jwt]\nenabled = true\njwks_url = \"http://127.0.0.1:1/keys\"\n");
  const auto server = home->start();
  http_client client(server->port());
  const signing_key key(signing_key::kind::p256);
  const auto token = key.sign("ES256", token_header("ES256", "k"), R"({"sub":"main"})");
  CHECK(get(client, "/query/sqlite", token) == "401 unauthorized");
  CHECK(get(client, "/query/sqlite", server_home::main_key) == "200");
  CHECK(test::stop(*server) == 0);
  CHECK(has(home->log(), "the keys for JSON Web Tokens could not be fetched"));
}

TEST_CASE("security events are in their file, with the client's address and without its token") {
  const auto home = home_with(
      "[daemon.trusted_proxies]\ncidrs = [\"127.0.0.0/8\"]\n"
      "forwarded_headers = [\"X-Forwarded-For\"]\n"
      "[security_events]\nenabled = true\n");
  const auto server = home->start();
  http_client client(server->port());
  auto headers = as("a-guessed-secret");
  headers.emplace_back("X-Forwarded-For", "203.0.113.9, 10.0.0.1");
  headers.emplace_back("X-Request-Id", "r-42");
  CHECK(error_of(client.request("POST", "/inbound/main", headers, "{}")) == "401 unauthorized");
  const auto seen = client.request("GET", "/api/security/events", as(server_home::admin_token));
  REQUIRE(seen);
  CHECK(has(seen->body, "from 203.0.113.9, on /inbound/main"));
  CHECK_FALSE(has(seen->body, "enabled is false"));
  CHECK(test::stop(*server) == 0);
  const std::string file = home->path() + "/logs/security.jsonl";
  const auto text = test::read_file(file);
  CHECK(text.starts_with(R"({"event_type":"auth_failure","source":"unknown","ip":"203.0.113.9",)"
                         R"("endpoint":"/inbound/main","timestamp":")"));
  CHECK(has(text, R"("details":{"request_id":"r-42","token_class":"unknown"}})"));
  CHECK(has(text, R"("event_type":"admin_access","ip":"127.0.0.1")"));
  CHECK_FALSE(has(text, "a-guessed-secret"));
  CHECK_FALSE(has(text, server_home::admin_token));
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(home->path() + "/logs") == 0700);
}

TEST_CASE("an entry that was changed while the server was down is a security event of the start") {
  const auto home = home_with(
      "[daemon.wal.integrity]\nmode = \"mac\"\nmac_key_file = \"0123456789abcdef\"\n"
      "[security_events]\nenabled = true\n");
  {
    const auto server = home->start();
    http_client client(server->port());
    test::write_content(client, "an original text");
    test::wait_until_delivered(*server);
    server->signal(SIGKILL);
    server->wait();
  }
  tamper(home->segment(), "original", "modified");
  const auto server = home->start();
  CHECK(test::stop(*server) == 0);
  const auto text = test::read_file(home->path() + "/logs/security.jsonl");
  CHECK(has(text, R"({"event_type":"wal_tamper_detected","timestamp":")"));
  CHECK(has(text, R"("line_number":)"));
  CHECK(has(text, R"("segment_file":")" + home->wal()));
}

TEST_CASE("a server that cannot write its security events does not start") {
  const auto home =
      home_with("[security_events]\nenabled = true\nlog_file = \"/dev/null/events\"\n");
  const auto outcome = home->nexus({"start", "--port", "0"});
  CHECK(outcome.status != 0);
  CHECK(has(outcome.err, "security_events.log_file"));
}

TEST_CASE("a browser's preflight request is answered for configured origins only") {
  const auto home = home_with("[daemon.cors]\nallowed_origins = [\"https://app.example.com\"]\n");
  const auto server = home->start();
  http_client client(server->port());
  const auto ask = [&client](const std::string& origin) {
    const auto answer = client.request("OPTIONS", "/inbound/main",
                                       {{"Origin", origin},
                                        {"Access-Control-Request-Method", "POST"},
                                        {"Access-Control-Request-Headers", "authorization"}});
    REQUIRE(answer);
    return answer->header("Access-Control-Allow-Origin").value_or("");
  };
  CHECK(ask("https://app.example.com") == "https://app.example.com");
  CHECK(ask("https://evil.example.com").empty());
  auto headers = as(server_home::main_key);
  headers.emplace_back("Origin", "https://app.example.com");
  const auto write = client.request("POST", "/inbound/main", headers, "{}");
  CHECK(error_of(write) == "200");
  CHECK(write->header("Access-Control-Allow-Origin") == "https://app.example.com");
  CHECK(test::stop(*server) == 0);
}

TEST_CASE("a limit for all sources together is one that the file names") {
  const auto home = home_with("[daemon.rate_limit]\nglobal_requests_per_minute = 3\n");
  const auto server = home->start();
  http_client client(server->port());
  for (int i = 0; i < 3; ++i) CHECK(get(client, "/query/sqlite", server_home::main_key) == "200");
  const auto refused = client.request("GET", "/query/sqlite", as(server_home::main_key));
  CHECK(error_of(refused) == "429 rate_limit_exceeded");
  CHECK(refused->header("Retry-After"));
  CHECK(get(client, "/query/sqlite", server_home::admin_token) == "200");
  CHECK(test::stop(*server) == 0);
}
