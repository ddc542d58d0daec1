// What happens when the disk of the log is (said to be) too full for new entries.
#include <csignal>
#include <filesystem>
#include <string>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

TEST_CASE("Below the watermark writes are refused with 503 while pending entries are delivered") {
  const server_home home;
  // A directory in the database's place: nothing can be delivered until it is gone.
  std::filesystem::create_directory(home.database());
  std::string id;
  {
    const auto server = home.start();
    http_client client(server->port());
    id = payload_id(write_content(client, "waits"));
    server->signal(SIGKILL);
    server->wait();
  }
  std::filesystem::remove(home.database());
  home.write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                                server_home::admin_token +
                                "\"\n[daemon.wal]\nmin_free_mb = 1000000000\n");
  const auto server = home.start();
  http_client client(server->port());
  const auto refused = write_content(client, "comes too late");
  CHECK(refused.status == 503);
  CHECK(refused.body.starts_with("{\"error\":\"wal_full\","));
  CHECK(refused.header("Retry-After") == "10");
  wait_until_delivered(*server);
  CHECK(stop(*server) == 0);
  const auto rows = cli::read_rows(home.database());
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  CHECK(rows->front().payload_id == id);
}
