// Kills a server under load at random moments, again and again on the same home. The judge stands
// outside the process: the clients' own book of acknowledged entries, and the rows of the SQLite
// file.
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

unsigned number_from(const char* name, unsigned otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::stoul(text));
}

}  // namespace

TEST_CASE("No kill loses or repeats an acknowledged entry") {
  const unsigned rounds = number_from("NEXUS_CRASH_ROUNDS", 20);
  const unsigned seed = number_from("NEXUS_CRASH_SEED", std::random_device{}());
  std::cout << "NEXUS_CRASH_SEED=" << seed << " NEXUS_CRASH_ROUNDS=" << rounds << "\n";
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const server_home home;
  cli::ledger book;
  for (unsigned round = 0; round < rounds; ++round) {
    const auto server = home.start();
    // 0: while it still delivers what the last round left behind, before anything new is accepted.
    const unsigned entries = std::uniform_int_distribution<unsigned>(0, 600)(random);
    const unsigned clients = std::uniform_int_distribution<unsigned>(1, 16)(random);
    cli::load writers({"127.0.0.1", server->port(), "main", server_home::main_key, clients,
                       "round " + std::to_string(round)});
    const bool all = writers.wait_for(entries);
    server->signal(SIGKILL);
    CHECK(server->wait() == -SIGKILL);
    auto written = writers.finish();
    INFO("round " << round << ": " << home.log());
    REQUIRE(all);
    CHECK(written.refused == 0);
    book.merge(std::move(written));
  }
  const auto server = home.start();
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);

  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  const auto found = cli::compare(book, *rows);
  INFO(found.acknowledged << " acknowledged, " << found.missing << " missing, " << found.changed
                          << " changed, " << found.repeated << " repeated, " << found.unknown
                          << " unknown, " << found.unanswered << " unanswered");
  CHECK(found.holds());
  CHECK(found.acknowledged == book.acknowledged.size());
  std::cout << found.acknowledged << " acknowledged, " << found.once << " found once; "
            << found.survived << " of " << found.unanswered << " unanswered ones survived\n";
}
