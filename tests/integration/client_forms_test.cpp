// The forms in which clients of v0.1.2 send their writes, and curl itself.
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string key = server_home::main_key;

std::string in_chunks(const std::string& body, std::size_t each) {
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += each) {
    const auto chunk = body.substr(at, each);
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    out.append(size).append(chunk).append("\r\n");
  }
  return out + "0\r\n\r\n";
}

std::string json_of(const std::string& content) {
  return R"({"message":{"content":")" + content + R"("}})";
}

/// Contents of all rows; the server must have ended.
std::vector<std::string> contents(const server_home& home) {
  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  std::vector<std::string> all;
  for (const auto& row : *rows) all.push_back(row.content);
  return all;
}

command_outcome curl(const cli::child_server& server, const std::string& path,
                     std::vector<std::string> more) {
  more.insert(more.begin(), {NEXUS_CURL, "--silent", "--show-error", "--fail-with-body",
                             "http://127.0.0.1:" + std::to_string(server.port()) + path});
  return run_program(more);
}

}  // namespace

TEST_CASE("curl writes to a home as init makes it, and reads it back") {
  const server_home home;
  const auto server = home.start();
  const auto written = curl(*server, "/inbound/main",
                            {"-X", "POST", "-H", "Authorization: Bearer " + key, "-H",
                             "Content-Type: application/json", "-H", "X-Idempotency-Key: abc", "-d",
                             R"({"message":{"content":"from curl","role":"user"}})"});
  INFO(written.err << written.out);
  CHECK(written.status == 0);
  CHECK(written.out.ends_with("\"status\":\"accepted\"}\n"));
  const auto repeated = curl(*server, "/inbound/main",
                             {"-H", "Authorization: Bearer " + key, "-H", "Content-Type:", "-H",
                              "Idempotency-Key: abc", "-d", "{}"});
  CHECK(repeated.out == written.out);
  wait_until_delivered(*server);
  const auto read =
      curl(*server, "/query/sqlite?limit=5&q=from%20curl", {"-H", "Authorization: Bearer " + key});
  CHECK(read.out.find(R"("content":"from curl")") != std::string::npos);
  CHECK(stop(*server) == 0);
  CHECK(contents(home) == std::vector<std::string>{"from curl"});
}

TEST_CASE("curl's own type of a form is no JSON, and says so") {
  const server_home home;
  const auto server = home.start();
  const auto refused =
      curl(*server, "/inbound/main", {"-H", "Authorization: Bearer " + key, "-d", json_of("x")});
  CHECK(refused.status == 22);
  CHECK(refused.out.starts_with(R"({"error":"unsupported_media_type",)"));
  CHECK(stop(*server) == 0);
}

TEST_CASE("curl uploads two megabytes, after asking and in chunks") {
  const server_home home;
  const auto server = home.start();
  const std::string content(2'000'000, 'x');
  home.write("body.json", json_of(content));
  const std::vector<std::string> common{"-H",
                                        "Authorization: Bearer " + key,
                                        "-H",
                                        "Content-Type: application/json",
                                        "--data-binary",
                                        "@" + home.path() + "/body.json"};
  for (const std::string form : {"Expect: 100-continue", "Transfer-Encoding: chunked", "Expect:"}) {
    INFO(form);
    auto arguments = common;
    arguments.insert(arguments.end(), {"-H", form});
    const auto written = curl(*server, "/inbound/main", arguments);
    INFO(written.err << written.out);
    CHECK(written.status == 0);
    CHECK(written.out.ends_with("\"status\":\"accepted\"}\n"));
  }
  CHECK(stop(*server) == 0);
  CHECK(contents(home) == std::vector<std::string>(3, content));
}

TEST_CASE("Headers count in lower case, and a write may come in chunks and in pieces") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const std::string head = "POST /inbound/main HTTP/1.1\r\nhost: a\r\nauthorization: Bearer " +
                           key + "\r\ncontent-type: application/json; charset=utf-8\r\n";
  const std::string body = json_of("in chunks");
  const std::string text = head +
                           "x-actor-type: agent\r\nx-idempotency-key: k\r\n"
                           "transfer-encoding: chunked\r\n\r\n" +
                           in_chunks(body, 3);
  for (const char byte : text) REQUIRE(client.send({&byte, 1}));
  const auto first = client.read_answer();
  REQUIRE(first);
  const std::string id = payload_id(*first);
  // The same key by its other name, on the same connection.
  REQUIRE(client.send(head + "idempotency-key: k\r\ncontent-length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body));
  const auto second = client.read_answer();
  REQUIRE(second);
  CHECK(payload_id(*second) == id);
  wait_until_delivered(*server);
  const auto found =
      client.request("GET", "/query/sqlite?actor_type=agent", {{"authorization", "Bearer " + key}});
  REQUIRE(found);
  CHECK(found->body.find("\"content\":\"in chunks\"") != std::string::npos);
  CHECK(stop(*server) == 0);
  CHECK(contents(home).size() == 1);
}

TEST_CASE(
    "A client of HTTP/1.0 is answered, and its connection closed unless it wants to keep it") {
  const server_home home;
  const auto server = home.start();
  const std::string body = json_of("old");
  const std::string head = "POST /inbound/main HTTP/1.0\r\nAuthorization: Bearer " + key +
                           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  http_client closing(server->port());
  REQUIRE(closing.send(head + "\r\n" + body));
  const auto answer = closing.read_answer();
  REQUIRE(answer);
  payload_id(*answer);
  CHECK(closing.at_end());
  http_client keeping(server->port());
  for (int i = 0; i < 2; ++i) {
    REQUIRE(keeping.send(head + "Connection: keep-alive\r\n\r\n" + body));
    const auto kept = keeping.read_answer();
    REQUIRE(kept);
    payload_id(*kept);
    CHECK(kept->header("Connection") == "keep-alive");
  }
  CHECK(stop(*server) == 0);
  CHECK(contents(home).size() == 3);
}

TEST_CASE("A body of two megabytes is sent once the server says that it may") {
  const server_home home;
  const auto server = home.start();
  const std::string content(2'000'000, 'y');
  const std::string body = json_of(content);
  const std::string head =
      "POST /inbound/main HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
      "Content-Length: " +
      std::to_string(body.size()) + "\r\n";
  http_client client(server->port());
  REQUIRE(client.send(head + "Authorization: Bearer " + key + "\r\n\r\n"));
  const auto may = client.read_answer();
  REQUIRE(may);
  CHECK(may->status == 100);
  REQUIRE(client.send(body));
  const auto answer = client.read_answer();
  REQUIRE(answer);
  payload_id(*answer);
  // One who is refused is told before the body.
  http_client stranger(server->port());
  REQUIRE(stranger.send(head + "Authorization: Bearer x\r\n\r\n"));
  const auto refused = stranger.read_answer();
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK(stop(*server) == 0);
  CHECK(contents(home) == std::vector<std::string>{content});
}

TEST_CASE("A hundred writes that are sent at once are answered in order") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  constexpr int writes = 100;
  std::string all;
  for (int i = 0; i < writes; ++i) {
    const std::string body = json_of("p" + std::to_string(i));
    all += "POST /inbound/main HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " + key +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  REQUIRE(client.send(all));
  std::vector<std::string> ids;
  for (int i = 0; i < writes; ++i) {
    const auto answer = client.read_answer();
    REQUIRE(answer);
    ids.push_back(payload_id(*answer));
  }
  CHECK(stop(*server) == 0);
  std::map<std::string, std::string> stored;
  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  for (const auto& row : *rows) stored[row.payload_id] = row.content;
  REQUIRE(stored.size() == writes);
  for (int i = 0; i < writes; ++i)
    CHECK(stored[ids[static_cast<std::size_t>(i)]] == "p" + std::to_string(i));
}
