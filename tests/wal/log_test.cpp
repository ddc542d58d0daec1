// The log as its users see it: appending, replaying, reading, closing.
#include "wal/log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <set>

#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"
#include "wal/format.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info;
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

/// An entry whose line has exactly `bytes` bytes, the newline not counted.
core::entry entry_of_line(std::size_t bytes) {
  auto value = make_entry("big");
  value.timestamp = "2026-01-01T00:00:00Z";
  value.payload = "\"\"";
  std::string json;
  REQUIRE(core::append_json(json, value).ok());
  value.payload = "\"" + std::string(bytes - json.size() - 9, 'x') + "\"";
  return value;
}

}  // namespace

TEST_CASE(
    "ten appends are ten lines in the reference's spelling, each with its CRC and durable before "
    "the answer") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 10));
  copy_as_killed(dir / "wal", dir / "copy");
  auto view = read_as_reference(dir / "copy");
  CHECK(view.lines.size() == 10);
  for (const auto& line : view.lines) {
    CHECK(line.canonical);
    CHECK_FALSE(line.has_hmac);
    CHECK(line.status == "PENDING");
  }
  CHECK(view.pending == ids_from("p", 10));
  CHECK(log->stats().syncs == 10);
  CHECK(log->stats().appended == 10);
}

TEST_CASE("an append sets version, status and an empty timestamp, whatever the caller passed") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.clock = [] { return core::time_point{std::chrono::nanoseconds{1'775'523'723'120'000'000}}; };
  auto log = open_log(how);
  auto value = make_entry("p");
  value.version = 99;
  value.status = "DELIVERED";
  REQUIRE(log->append(value).ok());
  value.timestamp = "2026-01-01T00:00:00.500+02:00";
  value.payload_id = "q";
  REQUIRE(log->append(value).ok());
  std::vector<core::entry> entries;
  REQUIRE(log->replay([&](const core::entry& one) { entries.push_back(one); }).ok());
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].version == 2);
  CHECK(entries[0].status == "PENDING");
  CHECK(entries[0].timestamp == "2026-04-07T01:02:03.12Z");
  CHECK(entries[1].timestamp == "2026-01-01T00:00:00.5+02:00");
}

TEST_CASE("whatever append accepts, the next opening hands out again") {
  temp_dir dir;
  std::vector<std::string> accepted;
  {
    auto log = open_log(dir / "wal");
    int n = 0;
    auto attempt = [&](const std::function<void(core::entry&)>& change) {
      auto value = make_entry("p" + std::to_string(n++));
      change(value);
      auto outcome = log->append(value);
      if (outcome) accepted.push_back(core::json::replace_invalid_utf8(value.payload_id));
      return outcome;
    };
    CHECK(attempt([](auto& e) { e.timestamp = "yesterday"; }).reason().code ==
          errc::invalid_argument);
    CHECK(attempt([](auto& e) { e.timestamp = "2026-01-01 00:00:00Z"; }).reason().code ==
          errc::invalid_argument);
    CHECK(attempt([](auto& e) { e.timestamp = core::zero_timestamp; }).ok());
    CHECK(attempt([](auto& e) {
            e.payload = std::string(9'999, '[') + std::string(9'999, ']');
          }).ok());
    CHECK(attempt([](auto& e) { e.payload = std::string(10'000, '[') + std::string(10'000, ']'); })
              .reason()
              .code == errc::invalid_argument);
    CHECK(attempt([](auto& e) { e.payload = "{\"a\":\"\\ud800\",\"a\":1E400}"; }).ok());
    CHECK(attempt([](auto& e) { e.payload = "[\n\t1 , \"\xff\"\r\n]"; }).ok());
    CHECK(attempt([](auto& e) { e.payload = ""; }).reason().code == errc::invalid_argument);
    CHECK(attempt([](auto& e) { e.payload = "1 2"; }).reason().code == errc::invalid_argument);
    CHECK(attempt([](auto& e) { e.payload = "null"; }).ok());
    CHECK(attempt([](auto& e) { e.payload_id = "bad\xff\xfe"; }).ok());
    CHECK(attempt([](auto& e) { e.destination = "bad\xff"; }).ok());
    CHECK(attempt([](auto& e) { e.idempotency_key = "bad\xff"; }).ok());
    CHECK(attempt([](auto& e) { e.subject = std::string("\0\t\n\r\x7f", 5); }).ok());
    CHECK(replayed_ids(*log) == accepted);
  }
  CHECK(ids_after_reopen(dir / "wal") == accepted);
}

TEST_CASE("an entry whose name is not UTF-8 stays pending through settling, and can be marked") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  REQUIRE(log->append(make_entry("id\xff", {}, "to\xff")).ok());
  append_ids(*log, {"other"});
  REQUIRE(log->mark_delivered("other").ok());
  REQUIRE(log->settle().ok());
  CHECK(log->pending_count() == 1);
  std::vector<core::entry> entries;
  REQUIRE(log->replay([&](const core::entry& one) { entries.push_back(one); }).ok());
  REQUIRE(entries.size() == 1);
  REQUIRE(log->mark_delivered(entries[0].payload_id, entries[0].destination).ok());
  log.reset();
  CHECK(ids_after_reopen(dir / "wal").empty());
}

TEST_CASE(
    "a batch refuses single entries for what is wrong with themselves and takes the others with "
    "one sync") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::vector<core::entry_ptr> batch;
  for (const auto& id : ids_from("p", 5)) {
    auto value = make_entry(id);
    if (id == "p1") value.payload = "{";
    if (id == "p3") value = entry_of_line(wal::line_bytes_max + 1);
    batch.push_back(std::make_shared<const core::entry>(value));
  }
  auto outcomes = log->append_batch(batch);
  REQUIRE(outcomes.size() == 5);
  CHECK(outcomes[0].ok());
  CHECK(outcomes[1].reason().code == errc::invalid_argument);
  CHECK(outcomes[2].ok());
  CHECK(outcomes[3].reason().code == errc::too_large);
  CHECK(outcomes[4].ok());
  CHECK(log->stats().syncs == 1);
  CHECK(log->append_batch({}).empty());
  CHECK(log->stats().syncs == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p0", "p2", "p4"});
  // Nothing of those that were refused is between them.
  log.reset();
  const auto found = read_as_reference(dir / "wal");
  CHECK(found.damaged == 0);
  CHECK_FALSE(found.too_long);
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"p0", "p2", "p4"});
}

TEST_CASE(
    "the longest line the reference reads is accepted, and one byte more is refused before "
    "anything is written") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"before"});
  auto bytes = log->stats().bytes_written;
  auto refused = log->append(entry_of_line(wal::line_bytes_max + 1));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == errc::too_large);
  CHECK(log->stats().bytes_written == bytes);
  REQUIRE(log->append(entry_of_line(wal::line_bytes_max)).ok());
  CHECK(log->stats().bytes_written == bytes + wal::line_bytes_max + 1);
  append_ids(*log, {"after"});
  CHECK(replayed_ids(*log) == std::vector<std::string>{"before", "big", "after"});
  log.reset();
  CHECK_FALSE(read_as_reference(dir / "wal").too_long);
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"before", "big", "after"});
}

TEST_CASE("the longest line stays readable for the reference when its status is written into it") {
  for (bool delivered : {true, false}) {
    temp_dir dir;
    {
      auto log = open_log(dir / "wal");
      REQUIRE(log->append(entry_of_line(wal::line_bytes_max)).ok());
      append_ids(*log, {"after"});
      REQUIRE((delivered ? log->mark_delivered("big") : log->mark_permanent_failure("big", "why"))
                  .ok());
    }
    auto view = read_as_reference(dir / "wal");
    CHECK_FALSE(view.too_long);
    CHECK(view.damaged == 0);
    CHECK(view.pending == std::vector<std::string>{"after"});
    REQUIRE(view.lines.size() == 2);
    CHECK(view.lines[0].status == (delivered ? "DELIVERED" : "PERMANENT_FAILURE"));
  }
}

TEST_CASE("a large entry comes back byte for byte") {
  temp_dir dir;
  auto value = make_entry("big");
  value.payload = "\"" + std::string(70'000, 'y') + "\"";
  open_log(dir / "wal")->append(value).ok();
  std::string payload;
  REQUIRE(
      open_log(dir / "wal")->replay([&](const core::entry& one) { payload = one.payload; }).ok());
  CHECK(payload == value.payload);
}

TEST_CASE("an empty log replays nothing and says so") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  CHECK(replayed_ids(*log).empty());
  CHECK(log->pending_count() == 0);
  CHECK(log->current_segment().empty());
  CHECK(log->backlogs().empty());
  CHECK(log->sample_delivered(5)->empty());
  CHECK(log->mark_delivered_batch({}).ok());
  CHECK(log->stats().oldest_pending_seconds == 0);
}

TEST_CASE("the directory is for its owner only, and so is every file in it") {
  temp_dir dir;
  auto log = open_log(dir / "a/wal");
  append_ids(*log, {"p", "q"});
  REQUIRE(log->mark_delivered("p").ok());
  REQUIRE(log->settle().ok());
  CHECK(mode_of(dir / "a/wal") == 0700);
  for (const auto& one : std::filesystem::directory_iterator(dir / "a/wal"))
    CHECK(mode_of(one.path().string()) == 0600);
}

TEST_CASE("glob characters in the directory's name don't hide the segments") {
  temp_dir dir;
  auto directory = dir / "w[a*l]?";
  {
    auto log = open_log(directory);
    append_ids(*log, {"p"});
  }
  CHECK(ids_after_reopen(directory) == std::vector<std::string>{"p"});
  CHECK(segments_in(directory).size() == 1);
}

TEST_CASE("a second log on the same directory is refused and told who has the first") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  auto second = wal::log::open(options_for(dir / "wal"));
  REQUIRE_FALSE(second.ok());
  CHECK(second.reason().code == errc::locked);
  CHECK(second.reason().text.find(std::to_string(::getpid())) != std::string::npos);
  REQUIRE(log->close().ok());
  CHECK(wal::log::open(options_for(dir / "wal")).ok());
}

TEST_CASE(
    "entries with the same key are handed on once, but only within one source and destination") {
  temp_dir dir;
  {
    auto log = open_log(dir / "wal");
    auto other = make_entry("c", "1");
    other.source = "someone else";
    REQUIRE(log->append(make_entry("a", "1")).ok());
    REQUIRE(log->append(make_entry("b", "1")).ok());
    REQUIRE(log->append(other).ok());
    REQUIRE(log->append(make_entry("d", "1", "elsewhere")).ok());
    REQUIRE(log->append(make_entry("e", "")).ok());
    REQUIRE(log->append(make_entry("f", "")).ok());
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c", "d", "e", "f"});
    CHECK(log->pending_count() == 5);
  }
  {
    auto log = open_log(dir / "wal");
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c", "d", "e", "f"});
    REQUIRE(log->mark_delivered("a").ok());
  }
  // b got the status of a: it does not surface now.
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"c", "d", "e", "f"});
  for (const auto& line : read_as_reference(dir / "wal").lines)
    CHECK(line.status ==
          (line.payload_id == "a" || line.payload_id == "b" ? "DELIVERED" : "PENDING"));
}

TEST_CASE("the number of pending entries never drifts") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 5));
  CHECK(log->pending_count() == 5);
  REQUIRE(log->mark_delivered("p0").ok());
  CHECK(log->mark_delivered("p0").reason().code == errc::not_found);
  CHECK(log->mark_delivered("nobody").reason().code == errc::not_found);
  CHECK(log->mark_permanent_failure("p0").reason().code == errc::not_found);
  REQUIRE(log->mark_permanent_failure("p1", "because").ok());
  std::vector<std::string> again{"p0", "p1", "p2", "p2", "nobody"};
  REQUIRE(log->mark_delivered_batch(again).ok());
  CHECK(log->pending_count() == 2);
  replayed_ids(*log);
  replayed_ids(*log);
  CHECK(log->pending_count() == 2);
  CHECK(log->stats().delivered == 2);
  CHECK(log->stats().permanent_failures == 1);
  REQUIRE(log->close().ok());
  auto reopened = open_log(dir / "wal");
  CHECK(reopened->pending_count() == 2);
  CHECK(reopened->stats().replayed == 2);
}

TEST_CASE(
    "read_pending keeps to its limits, hands out at least one, and says when it is at the end") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  for (int i = 0; i < 10; ++i)
    REQUIRE(log->append(make_entry("p" + std::to_string(i), {}, i % 2 ? "odd" : "even")).ok());
  auto ids = [](const wal::pending_batch& batch) {
    std::vector<std::string> out;
    for (const auto& one : batch.entries) out.push_back(one.entry->payload_id);
    return out;
  };
  auto first = log->read_pending("even", 0, 3, 1 << 20);
  CHECK(ids(*first) == std::vector<std::string>{"p0", "p2", "p4"});
  CHECK_FALSE(first->at_end);
  auto second = log->read_pending("even", first->next, 3, 1 << 20);
  CHECK(ids(*second) == std::vector<std::string>{"p6", "p8"});
  CHECK(second->at_end);
  CHECK(second->next == log->end());
  CHECK(log->read_pending("even", second->next, 3, 1 << 20)->entries.empty());
  auto one = log->read_pending("odd", 0, 10, 1);
  CHECK(ids(*one) == std::vector<std::string>{"p1"});
  CHECK_FALSE(one->at_end);
  CHECK(log->read_pending("nowhere", 0, 10, 1)->at_end);
  CHECK(log->read_pending("odd", 0, 5, 1 << 20)->at_end);
  // A reader that was at the end sees what comes next.
  REQUIRE(log->append(make_entry("p10", {}, "even")).ok());
  CHECK(ids(*log->read_pending("even", second->next, 3, 1 << 20)) ==
        std::vector<std::string>{"p10"});
  CHECK(pending_destinations(*log) == std::vector<std::string>{"even", "odd"});
}

TEST_CASE("replay may call the log, and stops at what was there or came meanwhile") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 3));
  REQUIRE(log->replay(
                 [&](const core::entry& one) { REQUIRE(log->mark_delivered(one.payload_id).ok()); })
              .ok());
  CHECK(log->pending_count() == 0);
}

TEST_CASE("segments rotate at their size, and nothing is lost or reordered") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  std::vector<std::string> ids = ids_from("p", 25);
  {
    auto log = open_log(how);
    std::string before = "-";
    for (const auto& id : ids) {
      auto value = make_entry(id);
      value.payload = "\"" + std::string(100'000, 'z') + "\"";
      REQUIRE(log->append(value).ok());
      CHECK(log->current_segment() >= before);
      before = log->current_segment();
    }
    CHECK(log->stats().segments == 3);
    CHECK(replayed_ids(*log) == ids);
  }
  CHECK(read_as_reference(dir / "wal").pending == ids);
  CHECK(ids_after_reopen(how) == ids);
  for (const auto& path : segments_in(dir / "wal"))
    CHECK(std::filesystem::file_size(path) < (1 << 20) + 110'000);
}

TEST_CASE("a clock that goes backwards does not put a new segment before an old one") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  std::int64_t tick = 1'700'000'000'000'000'000;
  how.clock = [&] { return core::time_point{std::chrono::nanoseconds{tick -= 1'000'000'000}}; };
  std::vector<std::string> ids = ids_from("p", 40), seen;
  {
    auto log = open_log(how);
    for (const auto& id : ids) {
      auto value = make_entry(id);
      value.payload = "\"" + std::string(100'000, 'z') + "\"";
      REQUIRE(log->append(value).ok());
    }
  }
  CHECK(segments_in(dir / "wal").size() >= 4);
  CHECK(ids_after_reopen(how) == ids);
}

TEST_CASE(
    "a sample of delivered entries is read-only, never larger than asked for, and treats all "
    "alike") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  auto ids = ids_from("p", 12);
  append_ids(*log, ids);
  ids.resize(10);
  REQUIRE(log->mark_delivered_batch(ids).ok());
  auto before = bytes_of(dir / "wal");
  CHECK(log->sample_delivered(0)->empty());
  CHECK(log->sample_delivered(100)->size() == 10);
  std::map<std::string, int> hits;
  constexpr int rounds = 2000;
  for (int i = 0; i < rounds; ++i) {
    auto sample = log->sample_delivered(3);
    REQUIRE(sample->size() == 3);
    std::set<std::string> distinct;
    for (const auto& one : *sample) {
      ++hits[one.payload_id];
      distinct.insert(one.payload_id);
    }
    REQUIRE(distinct.size() == 3);
  }
  CHECK(hits.size() == 10);
  // 600 hits expected each, standard deviation 20: ten deviations never happen by chance.
  for (const auto& [id, count] : hits) CHECK((count > 400 && count < 800));
  CHECK(bytes_of(dir / "wal") == before);
  CHECK(log->pending_count() == 2);
}

TEST_CASE("closing is final and may be repeated") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"p"});
  REQUIRE(log->close().ok());
  REQUIRE(log->close().ok());
  CHECK(log->append(make_entry("q")).reason().code == errc::closed);
  CHECK(log->mark_delivered("p").reason().code == errc::closed);
  std::vector<std::string> ids{"p"};
  CHECK(log->mark_delivered_batch(ids).reason().code == errc::closed);
  CHECK(ids_after_reopen(dir / "wal") == ids);
}

TEST_CASE("the destructor closes: marks are in the lines, and the directory is free") {
  temp_dir dir;
  {
    auto log = open_log(dir / "wal");
    append_ids(*log, {"p", "q"});
    REQUIRE(log->mark_delivered("p").ok());
  }
  auto view = read_as_reference(dir / "wal");
  REQUIRE(view.lines.size() == 2);
  CHECK(view.lines[0].status == "DELIVERED");
  CHECK(view.pending == std::vector<std::string>{"q"});
  CHECK(wal::log::open(options_for(dir / "wal")).ok());
}

TEST_CASE("a commit tells its observer how many entries shared it") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::vector<std::size_t> sizes;
  log->on_commit([&](const wal::commit_info& info) {
    CHECK(info.seconds >= 0);
    sizes.push_back(info.entries);
  });
  append_ids(*log, {"p"});
  std::vector<core::entry_ptr> batch;
  for (const auto& id : ids_from("q", 7))
    batch.push_back(std::make_shared<const core::entry>(make_entry(id)));
  for (const auto& outcome : log->append_batch(batch)) CHECK(outcome.ok());
  REQUIRE(log->mark_delivered("p").ok());
  CHECK(sizes == std::vector<std::size_t>{1, 7});
}

TEST_CASE("a normal run logs nothing at warning or above") {
  temp_dir dir;
  auto logger = std::make_shared<recording_logger>();
  auto how = options_for(dir / "wal");
  how.log = logger;
  for (int round = 0; round < 2; ++round) {
    auto log = open_log(how);
    append_ids(*log, ids_from("p" + std::to_string(round), 3));
    REQUIRE(log->mark_delivered("p" + std::to_string(round) + "1").ok());
    REQUIRE(log->settle().ok());
    REQUIRE(log->maintain().ok());
  }
  CHECK(logger->count(core::log_level::error) == 0);
  CHECK(logger->count(core::log_level::warn) == 0);
}

TEST_CASE("the age of the oldest pending entry is told") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.clock = [] { return *core::parse_timestamp("2026-01-01T00:01:40Z"); };
  auto log = open_log(how);
  auto value = make_entry("p");
  value.timestamp = "2026-01-01T00:00:00Z";
  REQUIRE(log->append(value).ok());
  CHECK(static_cast<int>(log->stats().oldest_pending_seconds) == 100);
}
