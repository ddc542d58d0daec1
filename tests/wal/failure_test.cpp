// A disk that fails while the log is open: what is refused, what goes on, and what is there
// afterwards.
#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/wal/failing_directory.hpp"
#include "tests/wal/reference_reader.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

core::entry large(const std::string& id) {
  auto value = make_entry(id);
  value.payload = "\"" + std::string(1 << 20, 'z') + "\"";
  return value;
}

}  // namespace

TEST_CASE("a short write costs its own entry only, and is cut off before the next one") {
  for (std::size_t written : {0u, 1u, 50u, 150u}) {
    failing_directory at;
    auto log = open_log(at.how);
    append_ids(*log, {"a"});
    at.files->fail({operation::write, 1, false, ENOSPC, written});
    CHECK(log->append(make_entry("b")).reason().code == errc::wal_full);
    CHECK_FALSE(log->trouble().empty());
    append_ids(*log, {"c"});
    CHECK(log->trouble().empty());
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c"});
    log.reset();
    CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"a", "c"});
    CHECK(read_as_reference(at.dir / "wal").damaged == 0);
  }
}

TEST_CASE(
    "a segment whose sync failed is given up: its entry is refused, the next append begins a new "
    "one") {
  failing_directory at;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  auto before = log->current_segment();
  at.files->fail({operation::sync, 1, false, EIO});
  CHECK(log->append(make_entry("b")).reason().code == errc::io_failed);
  append_ids(*log, {"c"});
  CHECK(log->current_segment() > before);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c"});
  // A power cut now finds both that were acknowledged, and what was dropped by the kernel is not
  // missed.
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("a dead letter that was purged stays away after a power cut") {
  failing_directory at;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  REQUIRE(log->mark_permanent_failure("a", "no").ok());
  REQUIRE(log->sync().ok());
  CHECK(*log->purge({{"a"}, "", ""}) == 1);
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(open_log(at.how)->stats().dead_letters == 0);
}

TEST_CASE("a mark that shared the failed sync is written again") {
  failing_directory at;
  auto log = open_log(at.how);
  append_ids(*log, {"a", "b"});
  REQUIRE(log->mark_delivered("a").ok());
  at.files->fail({operation::sync, 1, false, EIO});
  CHECK_FALSE(log->append(make_entry("c")).ok());
  at.files->heal();
  append_ids(*log, {"d"});
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"b", "d"});
}

TEST_CASE("a disk that stays full is reported once, not with every append") {
  failing_directory at;
  auto logger = std::make_shared<recording_logger>();
  at.how.log = logger;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  at.files->fail({operation::write, 1, true, ENOSPC});
  CHECK_FALSE(log->append(make_entry("b")).ok());
  const auto said = logger->count(core::log_level::error);
  CHECK(said > 0);
  for (int i = 0; i < 20; ++i) CHECK_FALSE(log->append(make_entry("c")).ok());
  CHECK(logger->count(core::log_level::error) == said);
}

TEST_CASE(
    "a full disk refuses appends with wal_full, fills with nothing, delivers on, and recovers by "
    "itself") {
  failing_directory at;
  auto log = open_log(at.how);
  append_ids(*log, {"a", "b"});
  at.files->fail({operation::write, 1, true, ENOSPC, 10});
  for (int i = 0; i < 20; ++i)
    CHECK(log->append(make_entry("x" + std::to_string(i))).reason().code == errc::wal_full);
  CHECK(segments_in(at.dir / "wal").size() <= 2);
  CHECK(log->stats().segments <= 2);
  CHECK_FALSE(log->mark_delivered("a").ok());
  CHECK(log->pending_count() == 1);  // it counts in memory, and is written when there is room
  CHECK(replayed_ids(*log) == std::vector<std::string>{"b"});
  at.files->heal();
  append_ids(*log, {"c"});
  copy_as_killed(at.dir / "wal", at.dir / "copy");
  CHECK(ids_after_reopen(at.dir / "copy") == std::vector<std::string>{"b", "c"});
}

TEST_CASE("no space for a new segment's name is wal_full too") {
  failing_directory at;
  auto log = open_log(at.how);
  at.files->fail({operation::create, 1, true, ENOSPC});
  CHECK(log->append(make_entry("a")).reason().code == errc::wal_full);
  at.files->heal();
  append_ids(*log, {"b"});
  CHECK(replayed_ids(*log) == std::vector<std::string>{"b"});
}

TEST_CASE("a rotation that fails leaves the old segment in use, and is tried again") {
  for (auto kind : {operation::create, operation::sync_directory}) {
    failing_directory at;
    auto log = open_log(at.how);
    append_ids(*log, {"a"});
    auto before = log->current_segment();
    at.files->fail({kind, 1, true, EIO});
    REQUIRE(log->append(large("b")).ok());
    CHECK(log->current_segment() == before);
    append_ids(*log, {"c"});
    REQUIRE(log->mark_delivered("a").ok());
    at.files->heal();
    append_ids(*log, {"d"});
    CHECK(log->current_segment() > before);
    CHECK(replayed_ids(*log) == std::vector<std::string>{"b", "c", "d"});
    log.reset();
    CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"b", "c", "d"});
  }
}

TEST_CASE("a segment's name is durable before the first entry in it is acknowledged") {
  failing_directory at;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"a"});
}

TEST_CASE("the name of a segment begun by rotation is durable as well") {
  failing_directory at;
  auto log = open_log(at.how);
  REQUIRE(log->append(large("a")).ok());
  append_ids(*log, {"b"});
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a settling that fails leaves the old file and no temporary one, and the log goes on") {
  for (auto kind : {operation::create, operation::write, operation::sync, operation::rename,
                    operation::sync_directory}) {
    failing_directory at;
    auto log = open_log(at.how);
    REQUIRE(log->append(large("a")).ok());  // sealed
    append_ids(*log, {"b"});
    REQUIRE(log->mark_delivered("a").ok());
    REQUIRE(log->sync().ok());
    at.files->fail({kind, 1, false, EIO});
    CHECK_FALSE(log->maintain().ok());
    CHECK(read_as_reference(at.dir / "wal").leftovers.empty());
    append_ids(*log, {"c"});
    CHECK(replayed_ids(*log) == std::vector<std::string>{"b", "c"});
    REQUIRE(log->maintain().ok());
    log.reset();
    CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"b", "c"});
    CHECK(read_as_reference(at.dir / "wal").damaged == 0);
  }
}

TEST_CASE("a rewrite is synced before it takes the place of the old file") {
  failing_directory at;
  {
    auto log = open_log(at.how);
    REQUIRE(log->append(large("a")).ok());
    append_ids(*log, {"b"});
    REQUIRE(log->mark_delivered("a").ok());
    REQUIRE(log->settle().ok());
    at.files->cut_power_at(1);
  }
  at.files->crash(survival::nothing);
  auto log = open_log(at.how);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"b"});
  CHECK(log->sample_delivered(5)->size() == 1);
}

TEST_CASE("opening syncs what a killed process has written without syncing") {
  failing_directory at;
  {
    auto log = open_log(at.how);
    append_ids(*log, {"a"});
  }
  // A line that stands in the file but was never synced, as after a kill between write and sync.
  auto path = segments_in(at.dir / "wal").front();
  {
    auto file = at.files->open_write(path);
    REQUIRE(file.ok());
    auto bytes = read_file(path);
    std::string_view piece = bytes;
    REQUIRE((*file)->write_at(bytes.size(), std::span(&piece, 1)).ok());
  }
  std::vector<std::string> seen;
  {
    auto log = open_log(at.how);
    seen = replayed_ids(*log);
    at.files->cut_power_at(1);
  }
  at.files->crash(survival::nothing);
  CHECK(ids_after_reopen(at.how) == seen);
  CHECK(seen.size() == 2);
}

TEST_CASE(
    "an append that meets a failure at any operation is refused or kept, and the next append "
    "works") {
  for (std::uint64_t n = 1; n < 12; ++n) {
    for (auto error : {EIO, ENOSPC}) {
      failing_directory at;
      std::vector<std::string> acknowledged;
      auto log = open_log(at.how);
      auto attempt = [&](const core::entry& value) {
        if (log->append(value)) acknowledged.push_back(value.payload_id);
      };
      at.files->fail({std::nullopt, n, false, error, 30});
      attempt(make_entry("a"));
      attempt(large("b"));
      attempt(make_entry("c"));
      at.files->heal();
      REQUIRE(log->append(make_entry("d")).ok());
      acknowledged.push_back("d");
      INFO("failure at operation " << n);
      CHECK(replayed_ids(*log) == acknowledged);
      REQUIRE(log->close().ok());
      CHECK(ids_after_reopen(at.how) == acknowledged);
    }
  }
}
