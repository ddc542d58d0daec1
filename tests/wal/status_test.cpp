// Marks: status lines, settling, followers, and what is left after a close or a kill.
#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"
#include "wal/inspect.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::uint64_t status_lines_in(const std::string& directory) {
  auto seen =
      wal::inspect(options_for(directory), wal::selection::none, {}, [](std::string_view) {});
  REQUIRE(seen.ok());
  return seen->status_lines;
}

/// Appends entries of 100 kB until a new segment has begun.
std::vector<std::string> fill_segment(wal::log& to, const std::string& prefix) {
  std::vector<std::string> ids;
  std::string first = to.current_segment();
  while (first.empty() || to.current_segment() == first) {
    auto value = make_entry(prefix + std::to_string(ids.size()));
    value.payload = "\"" + std::string(100'000, 'z') + "\"";
    REQUIRE(to.append(value).ok());
    ids.push_back(value.payload_id);
    if (first.empty()) first = to.current_segment();
  }
  return ids;
}

wal::options small_segments(const std::string& directory) {
  auto how = options_for(directory);
  how.max_segment_size_mb = 1;
  return how;
}

}  // namespace

TEST_CASE("a mark is a line in the active segment, and survives a kill") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 4));
  REQUIRE(log->mark_delivered("p1").ok());
  REQUIRE(log->mark_permanent_failure("p2", "no such table").ok());
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(status_lines_in(dir / "copy") == 2);
  // The reference skips status lines: it hands all four out again, which costs a redelivery and
  // nothing else.
  CHECK(read_as_reference(dir / "copy").pending == ids_from("p", 4));
  {
    auto reopened = open_log(dir / "copy");
    CHECK(replayed_ids(*reopened) == std::vector<std::string>{"p0", "p3"});
    CHECK(reopened->sample_delivered(10)->size() == 1);
  }
  auto view = read_as_reference(dir / "copy");
  std::vector<std::string> statuses;
  for (const auto& line : view.lines) statuses.push_back(line.status);
  CHECK(statuses ==
        std::vector<std::string>{"PENDING", "DELIVERED", "PERMANENT_FAILURE", "PENDING"});
}

TEST_CASE(
    "a clean close leaves plain lines with the true status, no status line, no leftover, no "
    "padding") {
  temp_dir dir;
  std::vector<std::string> expected_pending;
  {
    auto log = open_log(small_segments(dir / "wal"));
    for (std::string prefix : {"a", "b", "c"}) {
      auto ids = fill_segment(*log, prefix);
      REQUIRE(
          log->mark_delivered_batch(std::vector<std::string>(ids.begin(), ids.begin() + 4)).ok());
      REQUIRE(log->mark_permanent_failure(ids[4], "why").ok());
      expected_pending.insert(expected_pending.end(), ids.begin() + 5, ids.end());
    }
    append_ids(*log, {"last"});
    expected_pending.push_back("last");
    REQUIRE(log->mark_delivered(expected_pending.front()).ok());
    expected_pending.erase(expected_pending.begin());
  }
  auto view = read_as_reference(dir / "wal");
  CHECK(view.pending == expected_pending);
  CHECK(view.damaged == 0);
  CHECK(view.leftovers.empty());
  std::map<std::string, int> count;
  for (const auto& line : view.lines) {
    CHECK(line.canonical);
    ++count[line.status];
  }
  CHECK(count["DELIVERED"] == 13);
  CHECK(count["PERMANENT_FAILURE"] == 3);
  CHECK(count["PENDING"] == static_cast<int>(expected_pending.size()));
  CHECK(count.size() == 3);
  for (const auto& path : segments_in(dir / "wal"))
    CHECK(read_file(path).find('\0') == std::string::npos);
}

TEST_CASE("settling while entries are pending keeps them readable at their new place") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 6));
  auto half = log->read_pending("sqlite", 0, 2, 1 << 20);
  REQUIRE(log->mark_delivered("p0").ok());
  REQUIRE(log->mark_permanent_failure("p3", "x").ok());
  REQUIRE(log->settle().ok());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p1", "p2", "p4", "p5"});
  CHECK(log->read_pending("sqlite", half->next, 10, 1 << 20)->entries.size() == 3);
  append_ids(*log, {"q"});
  REQUIRE(log->mark_delivered("p4").ok());
  REQUIRE(log->settle().ok());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p1", "p2", "p5", "q"});
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"p1", "p2", "p5", "q"});
  CHECK(read_as_reference(dir / "copy").pending == std::vector<std::string>{"p1", "p2", "p5", "q"});
  CHECK(status_lines_in(dir / "copy") == 0);
}

TEST_CASE("settling again with nothing new writes nothing and begins no segment") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, {"p", "q"});
  REQUIRE(log->mark_delivered("p").ok());
  REQUIRE(log->settle().ok());
  auto names = segments_in(dir / "wal");
  auto bytes = bytes_of(dir / "wal");
  REQUIRE(log->settle().ok());
  CHECK(segments_in(dir / "wal") == names);
  CHECK(bytes_of(dir / "wal") == bytes);
}

TEST_CASE("maintenance settles a sealed segment once nothing in it is pending, and not before") {
  temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  auto ids = fill_segment(*log, "a");
  auto last = ids.back();
  ids.pop_back();
  REQUIRE(log->mark_delivered_batch(ids).ok());
  auto first = segments_in(dir / "wal")[0];
  auto before = read_file(first);
  REQUIRE(log->maintain().ok());
  CHECK((read_file(first) == before));
  REQUIRE(log->mark_delivered(last).ok());
  REQUIRE(log->maintain().ok());
  copy_as_killed(dir / "wal", dir / "copy");
  for (const auto& line : read_as_reference(dir / "copy").lines)
    if (line.segment == std::filesystem::path(first).filename()) CHECK(line.status == "DELIVERED");
}

TEST_CASE("under load only so many bytes of segments wait to be settled, and none once it is over") {
  temp_dir dir;
  auto how = small_segments(dir / "wal");
  how.unsettled_bytes_max = 3 << 20;
  auto log = open_log(how);
  for (int i = 0; i < 12; ++i)
    REQUIRE(log->mark_delivered_batch(fill_segment(*log, std::to_string(i) + "-")).ok());
  const auto full = segments_in(dir / "wal").size() - 1;  // the newest is open
  const auto count_unsettled = [&] {
    const auto all = segments_in(dir / "wal");
    return std::count_if(all.begin(), std::next(all.begin(), std::ptrdiff_t(full)), [](auto& one) {
      return read_file(one).find(R"("status":"PENDING")") != std::string::npos;
    });
  };
  CHECK(count_unsettled() == 12);
  REQUIRE(log->maintain().ok());
  CHECK(count_unsettled() == 2);  // each is a little longer than 1 MiB, three would be above it
  REQUIRE(log->maintain().ok());  // nothing was appended since
  CHECK(count_unsettled() == 0);
}

TEST_CASE("a segment is settled alike by the log that wrote it and by one that has read it") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.clock = [] { return core::time_point(std::chrono::seconds(1'800'000'000)); };
  SECTION("plain") {}
  SECTION("signed") {
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "key";
  }
  auto log = open_log(how);
  std::vector<std::string> delivered, waiting;
  std::vector<wal::failure> failed;
  for (const std::string extension :
       {"", R"(,"fanout":2)", R"(,"note":"}\",\"status\":\"PENDING\"")"}) {
    for (const std::string key : {"", "k", "\"status\":<\xC3\xA9>"}) {
      const auto add = [&](const std::string& fate) {
        auto value = make_entry(fate + std::to_string(log->stats().appended));
        value.idempotency_key = key.empty() ? key : key + value.payload_id;
        value.payload = R"({"status":"PENDING", "list":[1.0,{}]})";
        value.extension = extension;
        REQUIRE(log->append(value).ok());
        return value.payload_id;
      };
      delivered.push_back(add("delivered"));
      failed.push_back({add("failed"), "no such table"});
      waiting.push_back(add("waits"));
    }
  }
  copy_as_killed(dir / "wal", dir / "copy");
  auto other = how;
  other.directory = dir / "copy";
  auto reader = open_log(other);
  for (auto* one : {log.get(), reader.get()}) {
    REQUIRE(one->mark_delivered_batch(delivered).ok());
    REQUIRE(one->mark_permanent_failure_batch(failed).ok());
    REQUIRE(one->settle().ok());
    CHECK(replayed_ids(*one) == waiting);
    CHECK(one->sample_delivered(100)->size() == delivered.size());
  }
  const auto settled = read_file(segments_in(dir / "wal").front());
  CHECK(settled == read_file(segments_in(dir / "copy").front()));
  std::map<std::string, std::size_t> fates;
  copy_as_killed(dir / "wal", dir / "third");
  for (const auto& line : read_as_reference(dir / "third").lines) ++fates[line.status];
  CHECK(fates["DELIVERED"] == delivered.size());
  CHECK(fates["PERMANENT_FAILURE"] == failed.size());
  CHECK(fates["PENDING"] == waiting.size());
}

TEST_CASE("a segment drops its status lines only when all older segments are settled") {
  temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  auto first = fill_segment(*log, "a");
  // The marks of a's entries stand in b's segment. One of a stays pending, so maintenance settles b
  // before a.
  REQUIRE(log->mark_delivered_batch(std::vector<std::string>(first.begin() + 1, first.end())).ok());
  auto second = fill_segment(*log, "b");
  REQUIRE(log->mark_delivered_batch(second).ok());
  REQUIRE(log->maintain().ok());
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(status_lines_in(dir / "copy") >= 1);
  CHECK(ids_after_reopen(small_segments(dir / "copy")) == std::vector<std::string>{first[0]});
}

TEST_CASE(
    "an entry whose append is not published yet is never settled away, nor shown as delivered") {
  temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  append_ids(*log, {"a"});
  REQUIRE(log->mark_delivered("a").ok());
  REQUIRE(log->sync().ok());
  // The observer runs when an append is durable and its caller has not been answered: what another
  // thread may do then.
  std::size_t seen_delivered = 99;
  log->on_commit([&](const wal::commit_info&) {
    CHECK(log->maintain().ok());
    seen_delivered = log->sample_delivered(10)->size();
  });
  auto big = make_entry("big");
  big.payload = "\"" + std::string(2 << 20, 'z') + "\"";  // fills the segment, so that it is sealed
  REQUIRE(log->append(big).ok());
  CHECK(seen_delivered == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"big"});
  log->on_commit({});
  log.reset();
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"big"});
}

TEST_CASE("bytes written for marks do not depend on how full the segment is") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  auto cost = [&](const std::string& id) {
    append_ids(*log, {id});
    auto before = log->stats().bytes_written;
    REQUIRE(log->mark_delivered(id).ok());
    return log->stats().bytes_written - before;
  };
  auto early = cost("a");
  auto big = make_entry("big");
  big.payload = "\"" + std::string(5 << 20, 'z') + "\"";
  REQUIRE(log->append(big).ok());
  CHECK(cost("b") <= early + 16);
}

TEST_CASE("a batch of many ids becomes several status lines, and all of them count") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  std::vector<core::entry_ptr> batch;
  auto ids = ids_from("p", 2500);
  for (const auto& id : ids) batch.push_back(std::make_shared<const core::entry>(make_entry(id)));
  log->append_batch(batch);
  REQUIRE(log->mark_delivered_batch(ids).ok());
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(status_lines_in(dir / "copy") == 3);
  CHECK(ids_after_reopen(dir / "copy").empty());
}

TEST_CASE(
    "a mark for one destination leaves the others pending, and a mark without one means all") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  for (std::string id : {"p", "q"})
    for (std::string destination : {"a", "b", "c"})
      REQUIRE(log->append(make_entry(id, "k" + id, destination)).ok());
  REQUIRE(log->mark_delivered("p", "b").ok());
  CHECK(log->mark_delivered("p", "b").reason().code == core::errc::not_found);
  CHECK(log->pending_count() == 5);
  REQUIRE(log->mark_delivered("q").ok());
  CHECK(log->pending_count() == 2);
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"p", "p"});
  auto reopened = open_log(dir / "copy");
  CHECK(pending_destinations(*reopened) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("the followers of a delivered entry are delivered with it, at its destination only") {
  for (bool kill : {true, false}) {
    temp_dir dir;
    auto directory = dir / "wal";
    auto log = open_log(directory);
    REQUIRE(log->append(make_entry("x", "k", "d1")).ok());
    REQUIRE(log->append(make_entry("f", "k", "d1")).ok());  // follows x
    REQUIRE(log->append(make_entry("f", "k", "d2"))
                .ok());  // the same payload, another destination: nobody's follower
    REQUIRE(log->mark_delivered("x").ok());  // at all destinations of x
    CHECK(log->pending_count() == 1);
    if (kill) copy_as_killed(directory, dir / "copy");
    log.reset();
    if (kill) directory = dir / "copy";
    auto reopened = open_log(directory);
    CHECK(replayed_ids(*reopened) == std::vector<std::string>{"f"});
    CHECK(pending_destinations(*reopened) == std::vector<std::string>{"d2"});
  }
}

TEST_CASE("a follower fails with its leader, also when the leader's segment is settled first") {
  temp_dir dir;
  auto log = open_log(small_segments(dir / "wal"));
  REQUIRE(log->append(make_entry("x", "k")).ok());
  auto fill = fill_segment(*log, "a");
  REQUIRE(log->append(make_entry("f", "k")).ok());
  append_ids(*log, {"stays"});
  REQUIRE(log->mark_delivered_batch(fill).ok());
  REQUIRE(log->mark_permanent_failure("x", "never").ok());
  REQUIRE(log->maintain().ok());  // settles the leader's segment, not the follower's
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"stays"});
  for (const auto& line : read_as_reference(dir / "copy").lines)
    if (line.payload_id == "x" || line.payload_id == "f") CHECK(line.status == "PERMANENT_FAILURE");
}

TEST_CASE(
    "two entries of the same name are told apart by their lines when one leaves with its leader") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  REQUIRE(log->append(make_entry("a", "k1")).ok());
  REQUIRE(log->append(make_entry("b", "k1")).ok());
  REQUIRE(log->append(make_entry("b", "k2")).ok());
  REQUIRE(log->mark_delivered("b").ok());
  REQUIRE(log->mark_delivered("a").ok());
  CHECK(log->pending_count() == 0);
}

TEST_CASE(
    "a mark that was lost in a power cut means that the entry is handed on again, and nothing "
    "else") {
  temp_dir dir;
  std::filesystem::create_directories(dir / "wal");
  failing_files files(dir / "wal");
  auto how = options_for(dir / "wal");
  how.files = &files;
  {
    auto log = open_log(how);
    append_ids(*log, {"p", "q"});
    REQUIRE(log->mark_delivered("p").ok());
    files.cut_power_at(1);
  }
  files.crash(survival::nothing);
  CHECK(ids_after_reopen(how) == std::vector<std::string>{"p", "q"});
}

TEST_CASE(
    "a mark that was synced survives a power cut, whether by sync, by maintenance or by the next "
    "append") {
  for (int way = 0; way < 3; ++way) {
    temp_dir dir;
    std::filesystem::create_directories(dir / "wal");
    failing_files files(dir / "wal");
    auto how = options_for(dir / "wal");
    how.files = &files;
    {
      auto log = open_log(how);
      append_ids(*log, {"p", "q"});
      REQUIRE(log->mark_delivered("p").ok());
      if (way == 0) REQUIRE(log->sync().ok());
      if (way == 1) REQUIRE(log->maintain().ok());
      if (way == 2) append_ids(*log, {"r"});
      files.cut_power_at(1);
    }
    files.crash(survival::nothing);
    auto ids = ids_after_reopen(how);
    CHECK(ids.front() == "q");
  }
}

TEST_CASE("what leaves with an entry of its key takes no other entry of its name along") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  for (auto [id, key] : {std::pair("leader", "k"), std::pair("twice", "k"), std::pair("twice", "")})
    REQUIRE(log->append(make_entry(id, key)).ok());
  REQUIRE(log->mark_delivered("leader").ok());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"twice"});
  copy_as_killed(dir / "wal", dir / "killed");
  CHECK(ids_after_reopen(dir / "killed") == std::vector<std::string>{"twice"});
}
