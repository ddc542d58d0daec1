// A disk that is really full: a volume of a few MiB that is filled and emptied while clients write.
// Needs root, or says that it was skipped.
//
// Long (NEXUS_PROOF_SIZE=long): ten times as many cycles on each kind of volume.
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>

#include "cli/load.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/proof/clients.hpp"
#include "tests/proof/disk/small_volume.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/proof_count.hpp"

using namespace nexus;
using namespace nexus::proof;
using test::server_home;

namespace {

constexpr unsigned volume_mb = 48;
constexpr std::uint64_t mib = 1 << 20;

unsigned cycles() {
  return test::is_long_proof() ? 100 : static_cast<unsigned>(10 / test::proof_divisor());
}

/// Empty: where it always is.
struct places {
  std::string wal = {};
  std::string database = {};
};

/// A home whose log, or whose database, is on the volume.
class home_on_volume : public server_home {
 public:
  explicit home_on_volume(const places& at)
      : wal_(at.wal.empty() ? server_home::wal() : at.wal),
        database_(at.database.empty() ? server_home::database() : at.database) {
    write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                             admin_token + "\"\n[daemon.wal]\npath = \"" + wal_ +
                             "\"\nmax_segment_size_mb = 1\nmin_free_mb = 8\n" +
                             "retain_delivered_hours = 0\n");
    write("destinations/sqlite.toml",
          "[destination]\nname = \"sqlite\"\ntype = \"sqlite\"\ndb_path = \"" + database_ +
              "\"\n[destination.breaker]\nopen_ms = 20\nmax_open_ms = 50\nconfig_fault_ms = 50\n");
  }

  /// Every entry of the book is in the database once; nothing else is.
  void judge(const cli::ledger& book) const {
    const auto rows = cli::read_rows(database_);
    if (!rows) FAIL(rows.reason().text);
    const auto found = cli::compare(book, *rows);
    INFO(found.acknowledged << " acknowledged, " << found.missing << " missing, " << found.changed
                            << " changed, " << found.repeated << " repeated, " << found.unknown
                            << " unknown");
    CHECK(found.holds());
    CHECK(found.acknowledged > 0);
  }

 private:
  const std::string wal_;
  const std::string database_;
};

void post(const cli::child_server& server, const std::string& path) {
  cli::http_client client(server.host(), server.port());
  const auto answer = client.send({"POST", path, server_home::admin_token, {}, ""});
  REQUIRE(answer);
  CHECK(answer->status == 200);
}

small_volume::kind any_kind() {
  using kind = small_volume::kind;
  return GENERATE(kind::tmpfs, kind::ext4, kind::ext4_small_blocks);
}

/// The database's volume is filled and emptied; a new one each time, which the rows don't fill.
/// False if there is none.
bool fill_below_database(small_volume::kind what, unsigned cycles) {
  const auto disk = small_volume::mount(what, volume_mb);
  if (disk == nullptr) return false;
  const home_on_volume home({.database = disk->path() + "/memories.db"});
  const auto server = home.start();
  clients writers(2);
  writers.begin(*server, 4);
  for (unsigned cycle = 0; cycle < cycles; ++cycle) {
    INFO("cycle " << cycle << ": " << home.log_end());
    // From none to enough for a part of what SQLite wants: then it is most likely to stumble.
    disk->fill(cycle * 4096);
    REQUIRE(writers.wait_for(50));
    disk->empty();
    REQUIRE(writers.wait_for(10));
  }
  writers.finish();
  CHECK(writers.settle(*server));
  CHECK(writers.refused().empty());
  CHECK(writers.complaints().empty());
  test::wait_until_delivered(*server);
  CHECK(test::stop(*server) == 0);
  home.judge(writers.book());
  return true;
}

}  // namespace

TEST_CASE("A log on a disk that fills up refuses, delivers, and takes writes when there is room") {
  const auto disk = small_volume::mount(any_kind(), volume_mb);
  if (disk == nullptr) return;
  const home_on_volume home({.wal = disk->path() + "/wal"});
  const auto server = home.start();
  clients writers(1);
  writers.begin(*server, 4);
  for (unsigned cycle = 0; cycle < cycles(); ++cycle) {
    INFO("cycle " << cycle << ": " << home.log_end());
    REQUIRE(writers.wait_for(20));
    post(*server, "/api/destinations/sqlite/pause");
    REQUIRE(writers.wait_for(20));
    disk->fill(cycle % 2 == 0 ? 0 : 2 * mib);
    REQUIRE(writers.wait_for_refusal("wal_full"));
    post(*server, "/api/destinations/sqlite/resume");
    test::wait_until_delivered(*server);
    disk->empty();
  }
  REQUIRE(writers.wait_for(20));
  writers.finish();
  CHECK(writers.settle(*server));
  CHECK(writers.complaints().empty());
  for (const auto& [code, count] : writers.refused()) {
    std::cout << count << " refused with " << code << std::endl;
    CHECK(code == "wal_full");
  }
  test::wait_until_delivered(*server);
  CHECK(test::stop(*server) == 0);
  home.judge(writers.book());
  test::count_proof("full-disk cycles", cycles());
}

TEST_CASE("While the database's disk is full entries are taken and wait, and then they arrive") {
  constexpr unsigned cycles_of_volume = 16;
  const auto what = any_kind();
  for (unsigned done = 0; done < cycles(); done += 10) {
    if (!fill_below_database(what, cycles_of_volume)) return;
    test::count_proof("full-disk cycles", cycles_of_volume);
  }
}

TEST_CASE("Kills and starts on a full disk do not fill it further") {
  constexpr std::uint64_t block_bytes = 4096;  // of the larger ones
  const std::uint64_t left = GENERATE(std::uint64_t{0}, 3 * mib);
  const auto disk = small_volume::mount(any_kind(), volume_mb);
  if (disk == nullptr) return;
  const std::string wal = disk->path() + "/wal";
  const home_on_volume home({.wal = wal});
  clients writers(3);
  {
    const auto server = home.start();
    post(*server, "/api/destinations/sqlite/pause");
    writers.begin(*server, 4);
    REQUIRE(writers.wait_for(300));
    server->signal(SIGKILL);
    server->wait();
    writers.finish();
  }
  disk->fill(left);
  std::uint64_t used = 0;
  for (unsigned cycle = 0; cycle < cycles(); ++cycle) {
    const auto server = home.start();
    INFO("cycle " << cycle << ": " << home.log_end());
    writers.begin(*server, 1);
    REQUIRE(writers.wait_for_refusal("wal_full"));
    server->signal(SIGKILL);
    server->wait();
    writers.finish();
    const auto now = small_volume::used_bytes(wal);
    if (cycle == 0) used = now;
    // The first kill may come before the last block is written that every start needs.
    CHECK(now <= used + block_bytes);
  }
  disk->empty();
  const auto server = home.start();
  CHECK(writers.settle(*server));
  post(*server, "/api/destinations/sqlite/resume");
  test::wait_until_delivered(*server);
  CHECK(test::stop(*server) == 0);
  home.judge(writers.book());
  test::count_proof("full-disk cycles", cycles());
}
