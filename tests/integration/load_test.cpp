// Many clients at once.
#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "cli/file_limit.hpp"
#include "cli/http_client.hpp"
#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("A thousand writers at once: 200 or 429, and every 200 is found in SQLite") {
  constexpr std::size_t writers = 1000;
  constexpr std::size_t limit = 800;
  REQUIRE(cli::raise_file_limit(5 * writers) >= 4 * writers);
  const server_home home;
  home.add_source("busy", "can_write = true\n[source.rate_limit]\nrequests_per_minute = " +
                              std::to_string(limit) + "\n");
  const auto server = home.start();
  std::vector<int> statuses(writers);
  std::latch together(writers);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < writers; ++i) {
    threads.emplace_back([&, i] {
      cli::http_client client("127.0.0.1", server->port(), std::chrono::seconds(120));
      // So that all connections are there before the first write.
      const auto connected = client.send({"GET", "/health", "", {}, ""});
      together.arrive_and_wait();
      if (!connected) return;
      const auto answer = client.send({"POST",
                                       "/inbound/busy",
                                       "bfn_data_busy",
                                       {{"Content-Type", "application/json"}},
                                       R"({"message":{"content":"w)" + std::to_string(i) + "\"}}"});
      statuses[i] = answer ? answer->status : -1;
    });
  }
  for (auto& one : threads) one.join();
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);

  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  std::unordered_multiset<std::string> stored;
  for (const auto& row : *rows) stored.insert(row.content);
  std::size_t accepted = 0;
  for (std::size_t i = 0; i < writers; ++i) {
    INFO("writer " << i << " got " << statuses[i]);
    REQUIRE((statuses[i] == 200 || statuses[i] == 429));
    accepted += statuses[i] == 200 ? 1 : 0;
    REQUIRE(stored.count("w" + std::to_string(i)) == (statuses[i] == 200 ? 1 : 0));
  }
  // All of them come within the limit's minute, unless the machine is very slow.
  CHECK(accepted >= limit);
}
