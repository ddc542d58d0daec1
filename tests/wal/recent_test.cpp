// Entries of the last while, and idempotency keys that wait.
#include <string>
#include <vector>

#include "tests/wal/log_support.hpp"

using namespace nexus;
using namespace nexus::test;
using texts = std::vector<std::string>;

namespace {

const core::time_point noon = *core::parse_timestamp("2026-01-01T12:00:00Z");

core::entry written_at(const std::string& id, std::chrono::seconds after_noon) {
  auto value = make_entry(id);
  value.timestamp = core::format_timestamp(noon + after_noon);
  return value;
}

texts recent(wal::log& from, core::time_point since) {
  texts ids;
  const auto read = from.recent_entries(
      since, [&](const core::entry& value) { ids.push_back(value.payload_id); });
  INFO((read ? "" : read.reason().text));
  REQUIRE(read.ok());
  return ids;
}

using std::chrono::seconds;

}  // namespace

TEST_CASE("recent entries are handed out whatever has become of them, in the order of the log") {
  const temp_dir dir;
  const auto how = options_for(dir / "wal");
  auto log = open_log(how);
  for (int i = 0; i < 6; ++i)
    REQUIRE(log->append(written_at("p" + std::to_string(i), seconds(i))).ok());
  REQUIRE(log->mark_delivered("p2").ok());
  REQUIRE(log->mark_permanent_failure("p3", "no").ok());
  REQUIRE(log->mark_permanent_failure("p4", "no").ok());
  REQUIRE(log->purge({{"p4"}, "", ""}).ok());
  const texts expected{"p2", "p3", "p4", "p5"};
  CHECK(recent(*log, noon + seconds(2)) == expected);
  REQUIRE(log->settle().ok());
  CHECK(recent(*log, noon + seconds(2)) == expected);
  log.reset();
  log = open_log(how);
  CHECK(recent(*log, noon + seconds(2)) == expected);
  CHECK(recent(*log, noon + seconds(6)).empty());
  CHECK(recent(*log, core::time_point::min()).size() == 6);
}

TEST_CASE("a dead letter that outlived its segment is among the recent entries") {
  const temp_dir dir;
  auto how = options_for(dir / "wal");
  how.retain_delivered_hours = 0;
  auto log = open_log(how);
  REQUIRE(log->append(written_at("p1", seconds(1))).ok());
  REQUIRE(log->mark_permanent_failure("p1", "no").ok());
  REQUIRE(log->settle().ok());  // seals the segment
  REQUIRE(log->append(written_at("p2", seconds(2))).ok());
  REQUIRE(log->maintain().ok());
  REQUIRE(log->stats().segments == 1);
  CHECK(recent(*log, noon) == texts{"p1", "p2"});
}

TEST_CASE("entries are among the recent ones after a new start, also where all are delivered") {
  const temp_dir dir;
  const auto how = options_for(dir / "wal");
  auto log = open_log(how);
  REQUIRE(log->append(written_at("p1", seconds(1))).ok());
  REQUIRE(log->mark_delivered("p1").ok());
  REQUIRE(log->close().ok());
  log = open_log(how);
  CHECK(recent(*log, noon) == texts{"p1"});
}

TEST_CASE("segments without recent entries are not read") {
  const temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  auto log = open_log(how);
  for (int i = 0; i < 12; ++i) {
    auto value = written_at("p" + std::to_string(i), seconds(i));
    value.payload = "{\"content\":\"" + std::string(300'000, 'x') + "\"}";
    REQUIRE(log->append(value).ok());
  }
  REQUIRE(log->stats().segments >= 3);
  // What is not there cannot be read.
  std::filesystem::remove(segments_in(dir / "wal").front());
  CHECK(recent(*log, noon + seconds(10)) == texts{"p10", "p11"});
  CHECK_FALSE(log->recent_entries(noon, [](const core::entry&) {}).ok());
}

TEST_CASE("recent entries of an encrypted log keep members that the log does not know") {
  const temp_dir dir;
  auto how = options_for(dir / "wal");
  how.encryption.enabled = true;
  how.encryption.keys = {std::string(32, 'k')};
  auto log = open_log(how);
  auto value = written_at("p", seconds(0));
  value.extension = R"(,"fanout":2)";
  REQUIRE(log->append(value).ok());
  std::string extension;
  REQUIRE(log->recent_entries(noon, [&](const core::entry& one) { extension = one.extension; }));
  CHECK(extension == R"(,"fanout":2)");
}

TEST_CASE("an idempotency key waits as long as an entry of its source and destination does") {
  using answers = std::vector<bool>;
  const std::vector<std::string> keys{"k", "l"};
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  CHECK(log->keys_wait("src", "sqlite", keys) == answers{false, false});
  REQUIRE(log->append(make_entry("p1", "k")).ok());
  CHECK(log->keys_wait("src", "sqlite", keys) == answers{true, false});
  CHECK(log->keys_wait("src", "other", keys) == answers{false, false});
  CHECK(log->keys_wait("another", "sqlite", keys) == answers{false, false});
  log.reset();
  log = open_log(dir / "wal");
  CHECK(log->keys_wait("src", "sqlite", keys) == answers{true, false});
  REQUIRE(log->mark_delivered("p1").ok());
  CHECK(log->keys_wait("src", "sqlite", keys) == answers{false, false});
}

TEST_CASE("a key that is not UTF-8 waits in the spelling that the log gives it") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  REQUIRE(log->append(make_entry("p1", "k\xff")).ok());
  const std::vector<std::string> keys{"k\xff", "k\xfe", "k"};
  CHECK(log->keys_wait("src", "sqlite", keys) == std::vector<bool>{true, true, false});
}

TEST_CASE("a redriven entry is not folded into one that waits with the same idempotency key") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  REQUIRE(log->append(make_entry("old", "k")).ok());
  REQUIRE(log->mark_permanent_failure("old", "no").ok());
  REQUIRE(log->append(make_entry("new", "k")).ok());
  const auto sent = log->redrive({{"old"}, "", ""});
  REQUIRE(sent.ok());
  CHECK(*sent == 1);
  CHECK(replayed_ids(*log) == texts{"new", "old"});
  REQUIRE(log->mark_delivered("new").ok());
  CHECK(replayed_ids(*log) == texts{"old"});
}

TEST_CASE("an entry that is sent once more is not folded into one with its key either") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  const auto old = make_entry("old", "k");
  REQUIRE(log->append(old).ok());
  REQUIRE(log->mark_delivered("old").ok());
  REQUIRE(log->append(make_entry("new", "k")).ok());
  REQUIRE(log->redeliver(std::span(&old, 1)).ok());
  CHECK(replayed_ids(*log) == texts{"new", "old"});
}
