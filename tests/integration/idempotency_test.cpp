// Idempotency keys in a real process: over restarts, after their window, and from many clients.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string may_write =
    "can_read = true\ncan_write = true\n[source.rate_limit]\nrequests_per_minute = 1000000\n"
    "[source.idempotency]\nenabled = true\n";

http_answer write_with_key(const cli::child_server& server, const std::string& key,
                           const std::string& content = "content") {
  http_client client(server.port());
  return write_content(client, content, "main", {{"Idempotency-Key", key}});
}

/// The payload ids that the destination has.
std::multiset<std::string> rows_of(const server_home& home) {
  const auto rows = cli::read_rows(home.database());
  if (!rows) FAIL(rows.reason().text);
  std::multiset<std::string> ids;
  for (const auto& row : *rows) ids.insert(row.payload_id);
  return ids;
}

/// Writes with the key until its window is over; returns the new payload id.
std::string write_until_new(const cli::child_server& server, const std::string& key,
                            const std::string& old) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < deadline) {
    const auto id = payload_id(write_with_key(server, key));
    if (id != old) return id;
  }
  FAIL("the key never became free");
  return {};
}

/// A destination that takes nothing until it is mended.
void break_destination(const server_home& home) {
  std::filesystem::create_directory(home.database());
}
void mend_destination(const server_home& home) {
  std::filesystem::remove(home.database());
}

}  // namespace

TEST_CASE("A key of a delivered entry is known after a restart, orderly or not") {
  const int how = GENERATE(SIGTERM, SIGKILL);
  const server_home home;
  auto server = home.start();
  const auto id = payload_id(write_with_key(*server, "k"));
  wait_until_delivered(*server);
  for (int round = 0; round < 2; ++round) {
    server->signal(how);
    server->wait();
    server = home.start();
    CHECK(payload_id(write_with_key(*server, "k")) == id);
  }
  wait_until_delivered(*server);
  CHECK(rows_of(home) == std::multiset<std::string>{id});
}

TEST_CASE("A key of an entry that waits is known after a kill, and the entry arrives once") {
  const server_home home;
  break_destination(home);
  auto server = home.start();
  const auto id = payload_id(write_with_key(*server, "k"));
  server->signal(SIGKILL);
  server->wait();
  mend_destination(home);
  server = home.start();
  CHECK(payload_id(write_with_key(*server, "k")) == id);
  wait_until_delivered(*server);
  CHECK(rows_of(home) == std::multiset<std::string>{id});
}

TEST_CASE("A key whose window is over makes a new entry, before and after a restart") {
  const server_home home;
  home.add_source("main", may_write + "dedup_window_seconds = 1\n");
  auto server = home.start();
  const auto first = payload_id(write_with_key(*server, "k"));
  const auto second = write_until_new(*server, "k", first);
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  server = home.start();
  const auto third = write_until_new(*server, "k", second);
  CHECK(third != first);
  wait_until_delivered(*server);
  CHECK(rows_of(home) == std::multiset<std::string>{first, second, third});
}

TEST_CASE("Entries with one key that wait at the same time all arrive, and the last one counts") {
  const int how = GENERATE(SIGTERM, SIGKILL);
  const server_home home;
  home.add_source("main", may_write + "dedup_window_seconds = 1\n");
  break_destination(home);
  auto server = home.start();
  const auto first = payload_id(write_with_key(*server, "k"));
  const auto second = write_until_new(*server, "k", first);
  const auto third = write_until_new(*server, "k", second);
  server->signal(how);
  server->wait();
  mend_destination(home);
  home.add_source("main", may_write);  // a window of five minutes: the key is known again
  server = home.start();
  CHECK(payload_id(write_with_key(*server, "k")) == third);
  wait_until_delivered(*server);
  CHECK(rows_of(home) == std::multiset<std::string>{first, second, third});
}

TEST_CASE("Bodies of one key are compared over a restart where the source is strict") {
  const server_home home;
  home.add_source("main", may_write + "strict_idempotency = true\n");
  auto server = home.start();
  const auto id = payload_id(write_with_key(*server, "k", "this"));
  CHECK(write_with_key(*server, "k", "that").status == 422);
  wait_until_delivered(*server);
  server->signal(SIGKILL);
  server->wait();
  server = home.start();
  const auto other = write_with_key(*server, "k", "that");
  CHECK(other.status == 422);
  CHECK(other.body.starts_with("{\"error\":\"idempotency_mismatch\","));
  CHECK(payload_id(write_with_key(*server, "k", "this")) == id);
  CHECK(rows_of(home) == std::multiset<std::string>{id});
}

TEST_CASE("A thousand requests at once with fifty keys make fifty entries") {
  constexpr int clients = 50;
  constexpr int keys = 50;
  constexpr int requests = 20;
  const server_home home;
  const auto server = home.start();
  std::mutex mutex;
  std::unordered_map<std::string, std::multiset<std::string>> ids;
  std::vector<std::string> failures;
  std::vector<std::thread> crowd;
  for (int c = 0; c < clients; ++c)
    crowd.emplace_back([&, c] {
      http_client client(server->port());
      for (int r = 0; r < requests; ++r) {
        const auto key = std::to_string((c % 5 + r * 5) % keys);
        const auto answer =
            client.request("POST", "/inbound/main",
                           {{"Authorization", "Bearer bfn_data_main"}, {"Idempotency-Key", key}},
                           R"({"message":{"content":")" + key + "\"}}");
        const std::lock_guard lock(mutex);
        if (answer && answer->status == 200)
          ids[key].insert(answer->body);
        else
          failures.push_back(answer ? answer->body : "no answer");
      }
    });
  for (auto& one : crowd) one.join();
  CHECK(failures.empty());
  REQUIRE(ids.size() == keys);
  for (const auto& [key, answers] : ids) {
    INFO(key);
    CHECK(answers.size() == clients * requests / keys);
    CHECK(answers.count(*answers.begin()) == answers.size());
  }
  wait_until_delivered(*server);
  CHECK(rows_of(home).size() == keys);
}
