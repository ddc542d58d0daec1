// Clients that mean harm, against the whole program, plain and with TLS. After each of them
// somebody else is served, and in the end exactly what they wrote is stored.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/load.hpp"
#include "tests/http/certificates.hpp"
#include "tests/http/hostile_requests.hpp"
#include "tests/http/tls_client.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

using client_ptr = std::unique_ptr<http_client>;

const std::string head_of_write =
    "POST /inbound/main HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
    std::string(server_home::main_key) + "\r\n";

/// A server, and two good clients: one that keeps its connection, and one that always makes a new
/// one.
class besieged {
 public:
  explicit besieged(bool tls, const std::string& limits = "") : tls_(tls) {
    const std::string cert = home_.path() + "/cert.pem", key = home_.path() + "/key.pem";
    ca_.write(home_.path() + "/ca.pem", home_.path() + "/ca.key");
    certificate("server", ca_).write(cert, key);
    std::string daemon = "[daemon]\nadmin_token = \"" + std::string(server_home::admin_token) +
                         "\"\n[daemon.limits]\n" + limits;
    if (tls)
      daemon += "[daemon.tls]\nenabled = true\ncert_file = \"" + cert + "\"\nkey_file = \"" + key +
                "\"\nclient_ca_file = \"" + home_.path() +
                "/ca.pem\"\nclient_auth = \"verify_if_given\"\n";
    home_.write("daemon.toml", daemon);
    server_ = home_.start();
    kept_ = connect();
    write(*kept_);  // a connection that says nothing for long is closed
  }

  client_ptr connect() const {
    if (!tls_) return std::make_unique<http_client>(server_->port());
    tls_client_options how;
    how.ca_file = home_.path() + "/ca.pem";
    return std::make_unique<tls_client>(server_->port(), how);
  }
  std::uint16_t port() const { return server_->port(); }
  std::string file(const std::string& name) const { return home_.path() + "/" + name; }

  void serve_others() {
    write(*kept_);
    write(*connect());
  }
  /// Stops the server. Fails the test unless what the good clients wrote is stored, and only that.
  void finish() {
    CHECK(stop(*server_) == 0);
    std::map<std::string, int> stored;
    const auto rows = cli::read_rows(home_.database());
    REQUIRE(rows);
    for (const auto& row : *rows) ++stored[row.content];
    CHECK(stored == written_);
  }

 private:
  void write(http_client& client) {
    const std::string content = "good " + std::to_string(written_.size());
    payload_id(write_content(client, content));
    ++written_[content];
  }

  const server_home home_;
  const certificate ca_{"authority"};
  const bool tls_;
  std::unique_ptr<cli::child_server> server_;
  client_ptr kept_;
  std::map<std::string, int> written_;
};

/// The table's requests to /x as writes that would be taken if their framing were good.
std::string as_write(const std::string& bytes) {
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\n";
  return bytes.starts_with(head) ? head_of_write + bytes.substr(head.size()) : bytes;
}

/// A whole write that somebody would smuggle behind another request.
std::string stowaway() {
  const std::string body = R"({"message":{"content":"smuggled"}})";
  return head_of_write + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void check_refused(besieged& place, const hostile& one) {
  INFO(one.name);
  const auto client = place.connect();
  client->send(one.bytes);  // it may be refused before it is through
  const auto answer = client->read_answer();
  REQUIRE(answer);
  CHECK(answer->status == one.status);
  CHECK(answer->header("Connection") == "close");
  CHECK(answer->body.ends_with(",\"details\":{}}\n"));
  CHECK_FALSE(client->read_answer());
  place.serve_others();
}

void check_all_refused(besieged& place, const std::vector<hostile>& table) {
  for (const auto& one : table) {
    check_refused(place, {one.name, as_write(one.bytes), one.status});
    check_refused(
        place, {one.name + ", and a whole request", as_write(one.bytes) + stowaway(), one.status});
  }
}

std::string sized(const std::string& fields, const std::string& body) {
  return head_of_write + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::vector<hostile> large_bodies() {
  constexpr std::size_t mib = 1U << 20U;
  const std::string above_limit(11 * mib, ' ');
  const std::string batch = "POST /inbound/main/batch" + head_of_write.substr(18);
  std::string lines;
  for (int i = 0; i < 200'000; ++i) lines += "1\n";
  return {
      {"a body above the limit", sized("", above_limit), 413},
      {"a terabyte that is announced, and its beginning",
       head_of_write + "Content-Length: 1099511627776\r\n\r\n" + above_limit, 413},
      {"an endless body in one chunk",
       head_of_write + "Transfer-Encoding: chunked\r\n\r\nffffffff\r\n" + above_limit, 413},
      {"a bomb of gzip", sized("Content-Encoding: gzip\r\n", gzip(std::string(64 * mib, ' '))),
       413},
      {"a bomb of zstd", sized("Content-Encoding: zstd\r\n", zstd(std::string(64 * mib, ' '))),
       413},
      {"nothing but brackets", sized("Connection: close\r\n", std::string(9 * mib, '[')), 400},
      {"a string without an end", sized("Connection: close\r\n", "\"" + std::string(9 * mib, 'x')),
       400},
      {"200,000 items",
       batch + "Connection: close\r\nContent-Type: application/x-ndjson\r\nContent-Length: " +
           std::to_string(lines.size()) + "\r\n\r\n" + lines,
       413},
  };
}

struct slow {
  std::string name;
  std::string bytes;          ///< after these it says nothing more
  std::vector<int> statuses;  ///< of all answers, then the connection ends
};

std::vector<slow> slow_clients() {
  const std::string health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string in_chunks = head_of_write + "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"nothing at all", "", {}},
      {"half a method", "PO", {408}},
      {"half a header", head_of_write, {408}},
      {"no body", head_of_write + "Content-Length: 2\r\n\r\n", {408}},
      {"half a body", head_of_write + "Content-Length: 9\r\n\r\n{\"a\"", {408}},
      {"half a line of a chunk", in_chunks + "1", {408}},
      {"half a chunk", in_chunks + "9\r\n{\"a\"", {408}},
      {"no end of the chunks", in_chunks + "2\r\n{}\r\n", {408}},
      {"half a trailer", in_chunks + "2\r\n{}\r\n0\r\nA:", {408}},
      {"a body that waits for permission",
       head_of_write + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
       {100, 408}},
      {"a whole request, and half of another one", health + "GET /he", {200, 408}},
  };
}

}  // namespace

TEST_CASE("Requests that are no clear HTTP are refused, with TLS and without, and nobody notices") {
  for (const bool tls : {false, true}) {
    INFO("TLS: " << tls);
    besieged place(tls);
    check_all_refused(place, smuggling_forms());
    check_all_refused(place, bad_chunks());
    // On a port with TLS these come inside of it, like all others.
    check_all_refused(place, garbage());
    check_all_refused(place, oversized());
    place.finish();
  }
}

TEST_CASE("Bodies that are too large, too deep or too many are refused, and nobody notices") {
  for (const bool tls : {false, true}) {
    INFO("TLS: " << tls);
    besieged place(tls);
    for (const auto& one : large_bodies()) check_refused(place, one);
    place.finish();
  }
}

TEST_CASE("Clients that stop in the middle are cut off, and nobody waits for them") {
  for (const bool tls : {false, true}) {
    INFO("TLS: " << tls);
    besieged place(tls,
                   "header_timeout_seconds = 5\nbody_timeout_seconds = 5\n"
                   "min_body_bytes_per_second = 10485760\n");  // for the length of the longest
    const auto table = slow_clients();
    std::vector<client_ptr> clients;
    for (const auto& one : table) {
      clients.push_back(place.connect());
      REQUIRE(clients.back()->send(one.bytes));
      place.serve_others();
    }
    for (std::size_t i = 0; i < table.size(); ++i) {
      INFO(table[i].name);
      std::vector<int> statuses;
      while (const auto answer = clients[i]->read_answer()) statuses.push_back(answer->status);
      CHECK(statuses == table[i].statuses);
      place.serve_others();
    }
    place.finish();
  }
}

TEST_CASE("A client that sends its header byte by byte gets no more time than others") {
  for (const bool tls : {false, true}) {
    INFO("TLS: " << tls);
    besieged place(tls, "header_timeout_seconds = 2\nmax_header_bytes = 1048576\n");
    const auto client = place.connect();
    REQUIRE(client->send("GET /health HTTP/1.1\r\nHost: a\r\nX: "));
    const auto other = place.connect();
    // A request of somebody else after each byte: so many take far longer than two seconds.
    constexpr int bytes = 1'000'000;
    int sent = 0;
    for (; sent < bytes && client->send("x"); ++sent) REQUIRE(other->request("GET", "/health"));
    CHECK(sent < bytes);
    place.serve_others();
    place.finish();
  }
}

TEST_CASE("A client that asks for much and reads nothing is cut off, and nobody waits for it") {
  besieged place(false, "write_timeout_seconds = 1\n");
  const auto client = place.connect();
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
            std::string(server_home::admin_token) + "\r\n\r\n";
  client->send(many);  // the connection may end before all of it is taken
  // That of the good client and the one that asks are left.
  CHECK(comes([&place] {
    const auto page = place.connect()->request("GET", "/metrics", as(server_home::admin_token));
    return page && page->body.find("\nnexus_http_connections 2\n") != std::string::npos;
  }));
  place.serve_others();
  place.finish();
}

TEST_CASE("Clients with bad TLS get no connection, and nobody notices") {
  besieged place(true, "header_timeout_seconds = 5\n");
  const auto is_served = [&place](const tls_client_options& how) {
    tls_client client(place.port(), how);
    const auto answer = client.request("GET", "/health");
    place.serve_others();
    return answer && answer->status == 200;
  };
  const certificate stranger("another");
  certificate("stranger", stranger).write(place.file("stranger.pem"), place.file("stranger.key"));
  tls_client_options good, old, older, other, wrong;
  good.ca_file = old.ca_file = older.ca_file = other.ca_file = wrong.ca_file = place.file("ca.pem");
  older.max_version = 0x0301;
  old.max_version = 0x0302;
  other.protocols = "\x02h2";
  wrong.cert_file = place.file("stranger.pem");
  wrong.key_file = place.file("stranger.key");
  CHECK(is_served(good));
  CHECK_FALSE(is_served(older));
  CHECK_FALSE(is_served(old));
  CHECK_FALSE(is_served(other));
  CHECK_FALSE(is_served(wrong));

  http_client plain(place.port());
  const auto told = plain.request("GET", "/health");
  REQUIRE(told);
  CHECK(told->status == 400);
  CHECK(told->body.starts_with("{\"error\":\"tls_required\""));
  place.serve_others();

  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  std::vector<client_ptr> clients;
  for (const std::string& bytes : {std::string(), hello, std::string("\x16\x03"),
                                   std::string(100'000, '\xff'), hello + std::string(600, 'x')}) {
    clients.push_back(std::make_unique<http_client>(place.port()));
    clients.back()->send(bytes);
    place.serve_others();
  }
  for (const auto& client : clients) CHECK_FALSE(client->read_answer());
  http_client resetting(place.port());
  REQUIRE(resetting.send(hello));
  resetting.reset();
  place.serve_others();
  place.finish();
}
