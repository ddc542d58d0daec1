// Delivered entries: walking through them, and sending them once more.
#include <set>
#include <string>
#include <vector>

#include "tests/wal/log_support.hpp"
#include "wal/inspect.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::vector<core::entry> delivered_of(wal::log& from) {
  std::vector<core::entry> all;
  const auto read = from.delivered_entries([&](const core::entry& one) -> core::result<void> {
    all.push_back(one);
    return {};
  });
  INFO((read ? "" : read.reason().text));
  REQUIRE(read.ok());
  return all;
}

std::vector<std::string> ids_of(const std::vector<core::entry>& all) {
  std::vector<std::string> ids;
  for (const auto& one : all) ids.push_back(one.payload_id);
  return ids;
}

core::entry large_entry(const std::string& id) {
  auto value = make_entry(id);
  value.payload = "{\"content\":\"" + std::string(300'000, 'x') + "\"}";
  return value;
}

/// A log of several segments of which every other entry was delivered; returns the ids of those.
std::vector<std::string> fill(wal::log& log, int count) {
  std::vector<std::string> delivered;
  for (int i = 0; i < count; ++i) {
    const std::string id = "p" + std::to_string(i);
    REQUIRE(log.append(large_entry(id)).ok());
    if (i % 2 == 0) delivered.push_back(id);
  }
  REQUIRE(log.mark_delivered_batch(delivered).ok());
  return delivered;
}

wal::options small_segments(const std::string& directory) {
  auto how = options_for(directory);
  how.max_segment_size_mb = 1;
  return how;
}

}  // namespace

TEST_CASE("every delivered entry is handed out, oldest first, settled or not") {
  const temp_dir dir;
  const auto how = small_segments(dir / "wal");
  auto log = open_log(how);
  const auto delivered = fill(*log, 12);
  REQUIRE(log->stats().segments >= 3);
  auto found = delivered_of(*log);
  CHECK(ids_of(found) == delivered);
  CHECK(found.front().payload == large_entry("p0").payload);
  REQUIRE(log->settle().ok());
  CHECK(ids_of(delivered_of(*log)) == delivered);
  REQUIRE(log->mark_delivered("p1").ok());
  CHECK(delivered_of(*log).size() == delivered.size() + 1);
  log.reset();
  log = open_log(how);
  CHECK(delivered_of(*log).size() == delivered.size() + 1);
}

TEST_CASE("delivered entries of an encrypted log are handed out decrypted") {
  const temp_dir dir;
  auto how = options_for(dir / "wal");
  how.encryption.enabled = true;
  how.encryption.keys = {std::string(32, 'k')};
  auto log = open_log(how);
  append_ids(*log, {"p0", "p1"});
  REQUIRE(log->mark_delivered("p1").ok());
  const auto found = delivered_of(*log);
  REQUIRE(ids_of(found) == std::vector<std::string>{"p1"});
  CHECK(found[0].payload == make_entry("p1").payload);
}

TEST_CASE("what retention has removed is not handed out, and failures never are") {
  const temp_dir dir;
  auto how = small_segments(dir / "wal");
  how.retain_delivered_hours = 0;
  auto log = open_log(how);
  append_ids(*log, {"bad"});
  REQUIRE(log->mark_permanent_failure("bad", "no").ok());
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    ids.push_back("p" + std::to_string(i));
    REQUIRE(log->append(large_entry(ids.back())).ok());
  }
  REQUIRE(log->mark_delivered_batch(ids).ok());
  CHECK(ids_of(delivered_of(*log)) == ids);
  const auto segments = log->stats().segments;
  REQUIRE(log->maintain().ok());
  REQUIRE(log->stats().segments < segments);
  const auto left = ids_of(delivered_of(*log));
  CHECK(left.size() < ids.size());
  for (const auto& id : left) CHECK(id != "bad");
}

TEST_CASE("walking through delivered entries stops with the first error, or when the log closes") {
  const temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  fill(*log, 12);
  int seen = 0;
  const auto stopped = log->delivered_entries([&](const core::entry&) -> core::result<void> {
    ++seen;
    return core::error{core::errc::unreachable, "enough"};
  });
  REQUIRE_FALSE(stopped.ok());
  CHECK(stopped.reason().text == "enough");
  CHECK(seen == 1);
  const auto closed = log->delivered_entries([&](const core::entry&) { return log->close(); });
  REQUIRE_FALSE(closed.ok());
  CHECK(closed.reason().code == core::errc::closed);
}

TEST_CASE("while delivered entries are walked through the log can be written and settled") {
  const temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  const auto delivered = fill(*log, 8);
  std::vector<std::string> seen;
  const auto read = log->delivered_entries([&](const core::entry& one) -> core::result<void> {
    seen.push_back(one.payload_id);
    CHECK(one.payload == large_entry(one.payload_id).payload);
    if (seen.size() == 1) {
      CHECK(log->append(make_entry("late")).ok());
      return log->settle();
    }
    return {};
  });
  INFO((read ? "" : read.reason().text));
  REQUIRE(read.ok());
  CHECK(seen == delivered);
}

TEST_CASE("a redelivered entry is pending again under its id, also after a crash") {
  const bool settled = GENERATE(false, true);
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"p0", "p1", "p2"});
  REQUIRE(log->mark_delivered_batch(std::vector<std::string>{"p0", "p1"}).ok());
  if (settled) REQUIRE(log->settle().ok());
  const auto found = delivered_of(*log);
  const auto sent = log->redeliver(std::span(found).first(1));
  REQUIRE(sent.ok());
  CHECK(*sent == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p2", "p0"});
  CHECK(ids_of(delivered_of(*log)) == std::vector<std::string>{"p1"});
  CHECK(log->sample_delivered(10)->size() == 1);

  copy_as_killed(dir / "wal", dir / "copy");
  auto copy = open_log(dir / "copy");
  CHECK(replayed_ids(*copy) == std::vector<std::string>{"p2", "p0"});
  const auto page = copy->read_pending("sqlite", 0, 10, 1'000'000);
  REQUIRE(page.ok());
  CHECK(page->entries.back().entry->payload == make_entry("p0").payload);
  CHECK(page->entries.back().entry->status == "PENDING");

  REQUIRE(copy->mark_delivered("p0").ok());
  copy.reset();
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"p2"});
}

TEST_CASE("what is pending already is not sent once more") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"p0", "p1"});
  REQUIRE(log->mark_delivered("p0").ok());
  auto found = delivered_of(*log);
  found.push_back(found.front());
  found.push_back(make_entry("p1"));
  found.push_back(make_entry("p1", "", "elsewhere"));
  const auto sent = log->redeliver(found);
  REQUIRE(sent.ok());
  CHECK(*sent == 2);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p1", "p0", "p1"});
  CHECK(*log->redeliver(found) == 0);
  CHECK(log->pending_count() == 3);
}

TEST_CASE("a closed log redelivers nothing") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"p0"});
  REQUIRE(log->mark_delivered("p0").ok());
  const auto found = delivered_of(*log);
  REQUIRE(log->close().ok());
  const auto late = log->redeliver(found);
  REQUIRE_FALSE(late.ok());
  CHECK(late.reason().code == core::errc::closed);
}
