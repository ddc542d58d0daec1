// Writes of many payloads, over real HTTP, into a real database, over a kill.
#include <algorithm>
#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>

#include "core/json_text.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;

header_list with_token(header_list headers = {}) {
  headers.emplace_back("Authorization", std::string("Bearer ") + server_home::main_key);
  return headers;
}

std::string lines(const std::string& label, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += R"({"message":{"content":")" + label + std::to_string(i) + "\"}}\n";
  return out;
}

/// The payload ids of an answer, in order.
std::vector<std::string> ids_of(const std::string& body) {
  constexpr std::string_view key = "\"payload_id\":\"";
  std::vector<std::string> ids;
  for (auto at = body.find(key); at != std::string::npos; at = body.find(key, at + 1))
    ids.push_back(body.substr(at + key.size(), 32));
  return ids;
}

http_answer post(http_client& client, const std::string& path, const header_list& headers,
                 const std::string& body) {
  const auto answer = client.request("POST", path, with_token(headers), body);
  if (!answer) FAIL("no answer to POST " << path);
  return *answer;
}

}  // namespace

TEST_CASE("A compressed batch of ten thousand lines arrives whole, each line once") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  constexpr std::size_t count = 10'000;
  const header_list headers{{"Content-Type", "application/x-ndjson"},
                            {"Content-Encoding", "gzip"},
                            {"Idempotency-Key", "import-1"}};
  const auto body = gzip(lines("line ", count));
  const auto first = post(client, "/inbound/main/batch", headers, body);
  REQUIRE(first.status == 200);
  CHECK(first.body.find("\"accepted\":10000,\"failed\":0") != std::string::npos);
  const auto ids = ids_of(first.body);
  REQUIRE(ids.size() == count);
  const auto again = post(client, "/inbound/main/batch", headers, body);
  CHECK(again.status == 200);
  CHECK(ids_of(again.body) == ids);
  wait_until_delivered(*server);
  const auto stored = stored_contents(home);
  CHECK(stored.size() == count);
  for (std::size_t i = 0; i < count; ++i) REQUIRE(stored.at(ids[i]) == "line " + std::to_string(i));
}

TEST_CASE("A batch with bad lines is taken but for those") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto answer =
      post(client, "/inbound/main/batch", {{"Content-Type", "application/x-ndjson"}},
           lines("a", 2) + "not JSON\n" + lines("b", 1));
  CHECK(answer.status == 207);
  CHECK(answer.body.find(R"({"index":2,"status":400,"error":"invalid_json")") != std::string::npos);
  const auto bad_gzip = post(client, "/inbound/main/batch", {{"Content-Encoding", "gzip"}}, "{}");
  CHECK(bad_gzip.status == 400);
  const auto brotli = post(client, "/inbound/main/batch", {{"Content-Encoding", "br"}}, "{}");
  CHECK(brotli.status == 415);
  CHECK(brotli.header("Accept-Encoding") == "gzip, deflate, zstd, identity");
  wait_until_delivered(*server);
  CHECK(stored_contents(home).size() == 3);
}

TEST_CASE("A killed server has every item that it acknowledged in a batch") {
  const server_home home;
  std::unordered_map<std::string, std::string> acknowledged;
  for (int round = 0; round < 3; ++round) {
    const auto server = home.start();
    http_client client(server->port());
    std::jthread killer;
    for (int batch = 0;; ++batch) {
      const std::string label = std::to_string(round) + "/" + std::to_string(batch) + "/";
      const auto answer =
          client.request("POST", "/inbound/main/batch", with_token(), lines(label, 100));
      if (!answer || answer->status != 200) break;
      const auto ids = ids_of(answer->body);
      REQUIRE(ids.size() == 100);
      for (std::size_t i = 0; i < ids.size(); ++i) acknowledged[ids[i]] = label + std::to_string(i);
      // In the middle of those that follow.
      if (batch == 20) killer = std::jthread([&] { server->signal(SIGKILL); });
    }
    REQUIRE(killer.joinable());
    killer.join();
    server->wait();
  }
  const auto server = home.start();
  wait_until_delivered(*server);
  const auto stored = stored_contents(home);
  for (const auto& [id, content] : acknowledged) REQUIRE(stored.at(id) == content);
  CHECK(acknowledged.size() >= 3 * 21 * 100);
}

TEST_CASE("Messages, events and logs arrive as what they say") {
  const server_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto memories = post(client, "/v1/memories", {{"Content-Type", "application/json"}},
                             R"({"messages":[{"role":"user","content":"a message"},)"
                             R"({"role":"assistant","content":"another"}]})");
  CHECK(memories.status == 200);
  CHECK(memories.body.find("\"payload_ids\":[\"") != std::string::npos);
  const header_list event{{"ce-specversion", "1.0"},
                          {"ce-type", "com.example.someevent"},
                          {"ce-id", "1"},
                          {"ce-source", "/mycontext"},
                          {"Content-Type", "application/json"}};
  const auto first = post(client, "/events", event, R"({"x":1})");
  CHECK(payload_id(post(client, "/events", event, R"({"x":1})")) == payload_id(first));
  const auto logs =
      post(client, "/v1/logs", {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
           gzip(R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)"
                R"({"timeUnixNano":"1544712660300000000",)"
                R"("body":{"stringValue":"a log line"}}]}]}]})"));
  CHECK(logs.status == 200);
  CHECK(logs.body == "{}");
  wait_until_delivered(*server);
  std::multiset<std::string> found;
  for (const auto& [id, content] : stored_contents(home)) found.insert(content);
  CHECK(found == std::multiset<std::string>{"", "a log line", "a message", "another"});
}
