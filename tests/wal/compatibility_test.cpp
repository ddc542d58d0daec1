// Both ways: what the reference has written is read, and what a clean close leaves is read by the
// reference. The judge is reference_reader, which knows nothing of our code.
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_lines.hpp"
#include "tests/wal/reference_reader.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string first_segment = "/wal-1600000000000000000.jsonl";

/// Mode crc32, and mode mac.
const std::array<std::string, 2> keys{"", mac_key};

wal::options options_of(const std::string& directory, const std::string& key) {
  auto how = options_for(directory);
  how.max_segment_size_mb = 1;
  how.reserve_bytes = 0;
  if (!key.empty()) {
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = key;
  }
  return how;
}

/// Everything that the reference's versions and others may have left: eight pending entries.
std::string foreign_lines(const std::string& key) {
  return reference_line_of(json_of("f1"), key) + with_cr(reference_line_of(json_of("f2"), key)) +
         reference_line_of(foreign_json("f3")) + sentinel_line_of(json_of("f4"), key) +
         sentinel_line_of(zstd_body(json_of("f5")), key) +
         reference_line_of(zstd_body(json_of("f6", R"(,"monotonic_seq":6)")), key) + "\r\n\n" +
         with_cr(sentinel_line_of(foreign_json("f7"))) +
         reference_line_of(json_of("f8", R"(,"entry_type":"","monotonic_seq":8)"), key) +
         reference_line_of(json_of("gone", {}, "DELIVERED"), key);
}

const std::vector<std::string> foreign_ids = ids_from("f", 9);

core::entry large_entry(const std::string& id) {
  auto value = make_entry(id);
  value.payload = "\"<&\u2028>" + std::string(100'000, 'z') + "\"";
  return value;
}

std::vector<std::string> append_large(wal::log& to, const std::string& prefix, int count) {
  auto ids = ids_from(prefix, count);
  for (const auto& id : ids) REQUIRE(to.append(large_entry(id)).ok());
  return ids;
}

/// Whatever a log can do to its lines. Returns what is pending at its end.
std::vector<std::string> live_a_life(const wal::options& how) {
  auto log = open_log(how);
  auto ids = append_large(*log, "own-a", 25);
  REQUIRE(log->mark_delivered_batch(std::span(ids).first(20)).ok());
  for (int i = 20; i < 23; ++i) {
    const auto reason = "refused <" + std::to_string(i) + ">\t\n\"é\xff";
    REQUIRE(log->mark_permanent_failure(ids[static_cast<std::size_t>(i)], reason).ok());
  }
  wal::dead_letter_filter redriven, purged;
  redriven.payload_ids = {ids[20]};
  purged.payload_ids = {ids[21]};
  REQUIRE(*log->redrive(redriven) == 1);
  REQUIRE(*log->purge(purged) == 1);
  REQUIRE(log->mark_delivered("f4").ok());
  REQUIRE(log->mark_permanent_failure("f6", "no").ok());
  REQUIRE(log->mark_delivered("f3").ok());
  if (how.retain_delivered_hours == 0) REQUIRE(log->mark_delivered_batch(foreign_ids).ok());
  REQUIRE(log->maintain().ok());
  for (std::string id : {"same1", "same2"}) {
    auto entry = make_entry("own-" + id, "key");
    REQUIRE(log->append(entry).ok());
  }
  REQUIRE(log->append(make_entry("own-twice", {}, "sqlite")).ok());
  REQUIRE(log->append(make_entry("own-twice", {}, "other")).ok());
  REQUIRE(log->mark_delivered("own-twice", "other").ok());
  REQUIRE(log->settle().ok());
  ids = append_large(*log, "own-b", 25);
  REQUIRE(log->mark_delivered_batch(std::span(ids).subspan(5)).ok());
  REQUIRE(log->maintain().ok());
  REQUIRE(log->redrive({}).ok());
  auto odd = make_entry("own-odd\t<\u2028>\x01\b\xff", "k\xfe<&>");
  odd.timestamp = "2026-04-07T01:02:03.100000000+02:00";
  odd.payload = "{ \"<\" : [ 1.0 , -0, 1E400, \"\\ud800\\t\\u00e9\u2029\" ] }";
  REQUIRE(log->append(odd).ok());
  auto pending = replayed_ids(*log);
  REQUIRE(log->close().ok());
  return pending;
}

/// What every directory must be after a clean close.
void check_readable(const std::string& directory, const std::string& key) {
  const auto view = read_as_reference(directory, key);
  CHECK(view.crc_failures == 0);
  CHECK(view.integrity_failures == 0);
  CHECK(view.malformed == 0);
  CHECK(view.misread == 0);
  CHECK_FALSE(view.too_long);
  CHECK(view.leftovers.empty());
  for (const auto& line : view.lines) {
    INFO(line.json.substr(0, 300));
    if (!line.json.starts_with("{ "))
      CHECK(line.json.find("\"timestamp\":\"" + line.timestamp + "\"") != std::string::npos);
    if (line.payload_id.starts_with("own-")) {
      CHECK(line.canonical);
      CHECK(line.has_fitting_hmac == !key.empty());
    }
  }
  for (const auto& path : segments_in(directory))
    CHECK(read_file(path).find('\0') == std::string::npos);
}

std::string word_of(const reference_view& view, const std::string& id) {
  for (const auto& line : view.lines)
    if (line.payload_id == id) return line.status;
  return "nowhere";
}

}  // namespace

TEST_CASE("after a clean close of a log that has lived, the reference finds the same pending") {
  for (const auto& key : keys) {
    for (int hours : {-1, 0}) {
      INFO("mac " << !key.empty() << ", retention " << hours);
      temp_dir dir;
      write_file(dir / ("wal" + first_segment), foreign_lines(key));
      auto how = options_of(dir / "wal", key);
      how.retain_delivered_hours = hours;
      const auto pending = live_a_life(how);
      CHECK(pending.size() > 10);
      check_readable(dir / "wal", key);
      auto view = read_as_reference(dir / "wal", key);
      CHECK(view.pending == pending);
      const bool is_kept = hours < 0;
      CHECK(std::filesystem::exists(dir / ("wal" + first_segment)) == is_kept);
      CHECK(word_of(view, "f1") == (is_kept ? "PENDING" : "nowhere"));
      CHECK(word_of(view, "f4") == (is_kept ? "DELIVERED" : "nowhere"));
      CHECK(word_of(view, "own-a20") == (is_kept ? "REDRIVEN" : "PENDING"));
      CHECK(word_of(view, "own-a21") == (is_kept ? "PURGED" : "nowhere"));
      CHECK(word_of(view, "own-b7") == "DELIVERED");
      // Once more, with nothing to do: what is there stays as it is.
      const auto before = bytes_of(dir / "wal");
      CHECK(ids_after_reopen(how) == pending);
      check_readable(dir / "wal", key);
      if (hours < 0) CHECK(bytes_of(dir / "wal").starts_with(before));
    }
  }
}

TEST_CASE("a log that was killed is readable for the reference after the next clean close") {
  for (const auto& key : keys) {
    temp_dir dir;
    auto how = options_of(dir / "wal", key);
    auto log = open_log(how);
    const auto ids = append_large(*log, "own-", 15);
    REQUIRE(log->mark_delivered_batch(std::span(ids).first(3)).ok());
    REQUIRE(log->mark_permanent_failure(ids[4], "why").ok());
    copy_as_killed(dir / "wal", dir / "copy");
    how.directory = dir / "copy";
    const auto pending = ids_after_reopen(how);
    CHECK(pending.size() == 11);
    check_readable(how.directory, key);
    CHECK(read_as_reference(how.directory, key).pending == pending);
  }
}

TEST_CASE("lines of the newest reference version are read in any mixture, in either mode") {
  for (const auto& key : keys) {
    temp_dir dir;
    write_file(dir / ("wal" + first_segment), foreign_lines(key));
    auto how = options_of(dir / "wal", key);
    {
      auto log = open_log(how);
      CHECK(replayed_ids(*log) ==
            std::vector<std::string>(foreign_ids.begin() + 1, foreign_ids.end()));
      auto found = log->stats();
      CHECK(found.crc_failures + found.integrity_failures + found.torn_lines +
                found.malformed_lines + found.sentinel_failures + found.undecodable_lines ==
            0);
      CHECK(log->sample_delivered(9)->size() == 1);
    }
    write_file(dir / ("strict" + first_segment), foreign_lines(key));
    how.directory = dir / "strict";
    how.accept_unsigned = false;
    auto strict = open_log(how);
    CHECK(replayed_ids(*strict).size() == (key.empty() ? 8u : 6u));
  }
}

TEST_CASE("golden vectors between sentinels and compressed are read, in either mode") {
  const std::string zstd =
      "zstd:KLUv/"
      "QQAiQYAeyJ2ZXJzaW9uIjoyLCJwYXlsb2FkX2lkIjoicDEiLCJpZGVtcG90ZW5jeV9rZXkiOiJrMSIsInN0"
      "YXR1cyI6IlBFTkRJTkciLCJ0aW1lc3RhbXAiOiIyMDI2LTA0LTA3VDAxOjAyOjAzLjEyWiIsInNvdXJjZSI6InMiLCJk"
      "ZXN0aW5hdGlvbiI6ImQiLCJzdWJqZWN0IjoidSIsImFjdG9yX3R5cGUiOiJ1c2VyIiwiYWN0b3JfaWQiOiJhIiwicGF5"
      "bG9hZCI6eyJ4IjoxfX3ozYgi";
  const std::string v1 =
      R"({"version":2,"payload_id":"p1","idempotency_key":"k1","status":"PENDING",)"
      R"("timestamp":"2026-04-07T01:02:03.12Z","source":"s","destination":"d","subject":"u",)"
      R"("actor_type":"user","actor_id":"a","payload":{"x":1}})";
  const std::string start = "BFBFBFBFBFBFBFBF\t", end = "\tFBFBFBFBFBFBFBFB\n";
  const std::string hmac = "60d6d9c02a3c6529e833cc1c17dffbf623f62ea4d61801fd72dee12a83e69be1";
  const auto sequenced = v1.substr(0, v1.size() - 1) + ",\"monotonic_seq\":1}\t89ab1f9b\n";
  for (const auto& line :
       {v1 + "\te28d454a\n", start + v1 + "\te28d454a" + end, zstd + "\t65beccdc\n",
        start + zstd + "\t65beccdc" + end, start + v1 + "\te28d454a\t" + hmac + end, sequenced}) {
    for (const auto& key : keys) {
      temp_dir dir;
      write_file(dir / ("wal" + first_segment), line);
      const auto how = options_of(dir / "wal", key);
      CHECK(ids_after_reopen(how) == std::vector<std::string>{"p1"});
      const auto view = read_as_reference(dir / "wal", key);
      REQUIRE(view.lines.size() == (key.empty() ? 1u : 2u));  // a seal
      CHECK(view.lines[0].json.starts_with(v1.substr(0, v1.size() - 1)));
      CHECK(view.lines[0].canonical);
    }
  }
}

TEST_CASE("a damaged end sentinel is counted as such, and costs its own line only") {
  for (const auto& key : keys) {
    temp_dir dir;
    auto damaged = sentinel_line_of(json_of("b"), key);
    damaged[damaged.size() - 3] = 'X';
    const auto next = sentinel_line_of(json_of("c"), key);
    write_file(dir / ("wal" + first_segment), sentinel_line_of(json_of("a"), key) + damaged + next);
    {
      auto log = open_log(options_of(dir / "wal", key));
      CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c"});
      CHECK(log->stats().sentinel_failures == 1);
      CHECK(log->stats().crc_failures == 0);
    }
    CHECK(bytes_of(dir / "wal").find(damaged) != std::string::npos);
    CHECK(read_as_reference(dir / "wal", key).pending == std::vector<std::string>{"a", "c"});
  }
}

TEST_CASE("pending lines that the reference can't read are plain ones after a clean close") {
  for (const auto& key : keys) {
    temp_dir dir;
    write_file(dir / ("wal" + first_segment), foreign_lines(key));
    const auto how = options_of(dir / "wal", key);
    const auto pending = ids_after_reopen(how);
    CHECK(pending.size() == 8);
    check_readable(dir / "wal", key);
    CHECK(read_as_reference(dir / "wal", key).pending == pending);
    const auto before = bytes_of(dir / "wal");
    CHECK(ids_after_reopen(how) == pending);
    CHECK(bytes_of(dir / "wal").starts_with(before));
  }
}

TEST_CASE("what is no data for the newest reference never becomes data for the older one") {
  for (const auto& key : keys) {
    temp_dir dir;
    const auto checkpoint = sentinel_line_of(
        json_of("checkpoint-1", R"(,"entry_type":"checkpoint")", "DELIVERED"), key);
    const auto audit =
        sentinel_line_of(zstd_body(json_of("a1", R"(,"entry_type":"audit","monotonic_seq":7)")));
    write_file(dir / ("wal" + first_segment), checkpoint + sentinel_line_of(json_of("a"), key) +
                                                  audit + reference_line_of(json_of("b"), key));
    {
      auto log = open_log(options_of(dir / "wal", key));
      CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
      REQUIRE(log->mark_delivered("a").ok());
      CHECK(log->sample_delivered(9)->size() == 1);
    }
    const auto view = read_as_reference(dir / "wal", key);
    CHECK(view.pending == std::vector<std::string>{"b"});
    CHECK(view.delivered == std::vector<std::string>{"a"});
    CHECK(view.misread == 0);
    CHECK(bytes_of(dir / "wal").find(checkpoint) != std::string::npos);
    CHECK(bytes_of(dir / "wal").find(audit) != std::string::npos);
  }
}

TEST_CASE("segments of any name are read in the order of their bytes, and the log goes on behind") {
  temp_dir dir;
  const std::vector<std::string> names{"",  "0000000001", "10", "1700000000000000000",
                                       "9", "a b",        "x",  "\xc3\xa9"};
  std::vector<std::string> expected;
  for (auto name = names.rbegin(); name != names.rend(); ++name)
    write_file(dir / ("wal/wal-" + *name + ".jsonl"), reference_line_of(json_of("at-" + *name)));
  for (const auto& name : names) expected.push_back("at-" + name);
  {
    auto log = open_log(options_of(dir / "wal", {}));
    CHECK(replayed_ids(*log) == expected);
    for (const auto& id : append_large(*log, "new", 12)) expected.push_back(id);
  }
  CHECK(segments_in(dir / "wal").size() == names.size() + 1);
  CHECK(read_as_reference(dir / "wal").pending == expected);
}

TEST_CASE("the dead-letter file holds lines as a segment does") {
  for (const auto& key : keys) {
    temp_dir dir;
    auto how = options_of(dir / "wal", key);
    how.retain_delivered_hours = 0;
    write_file(dir / ("wal" + first_segment), foreign_lines(key));
    {
      auto log = open_log(how);
      append_large(*log, "own-", 12);
      const auto all = replayed_ids(*log);
      for (const auto& id : all) REQUIRE(log->mark_permanent_failure(id, "bad <" + id + ">").ok());
      append_large(*log, "later-", 12);
      REQUIRE(log->maintain().ok());
      REQUIRE(segments_in(dir / "wal")[0].ends_with("/dead-letter.jsonl"));
    }
    const auto view = read_file_as_reference(dir / "wal/dead-letter.jsonl", key);
    CHECK(view.damaged == 0);
    CHECK(view.lines.size() >= 18);
    for (const auto& line : view.lines) {
      INFO(line.json.substr(0, 300));
      CHECK(line.status == "PERMANENT_FAILURE");
      CHECK(line.canonical);
      CHECK(line.has_fitting_hmac == !key.empty());
      CHECK(line.json.find(R"("failure_reason":"bad \u003c)" + line.payload_id) !=
            std::string::npos);
    }
    check_readable(dir / "wal", key);
  }
}

TEST_CASE("an entry of the greatest length stays a line for the reference when it has failed") {
  temp_dir dir;
  auto how = options_of(dir / "wal", {});
  auto longest = make_entry("long");
  longest.timestamp = "2026-01-01T00:00:00Z";
  longest.payload = "\"\"";
  std::string json;
  REQUIRE(core::append_json(json, longest).ok());
  longest.payload = '"' + std::string(10'485'759 - json.size() - 9, 'x') + '"';
  for (bool moves : {false, true}) {
    how.retain_delivered_hours = moves ? 0 : -1;
    how.directory = dir / (moves ? "moved" : "kept");
    {
      auto log = open_log(how);
      REQUIRE(log->append(longest).ok());
      REQUIRE(log->mark_permanent_failure("long", std::string(5000, 'r')).ok());
      append_ids(*log, {"next"});
      REQUIRE(log->maintain().ok());
    }
    const auto paths = segments_in(how.directory);
    REQUIRE(paths.size() == 2);
    CHECK(paths[0].ends_with("/dead-letter.jsonl") == moves);
    const auto view = read_file_as_reference(paths[0]);
    CHECK_FALSE(view.too_long);
    REQUIRE(view.lines.size() == 1);
    CHECK(view.lines[0].status == "PERMANENT_FAILURE");
    CHECK(view.lines[0].payload == longest.payload);
  }
}

TEST_CASE("a status line stays one that the reference can read, however much it has to say") {
  temp_dir dir;
  auto how = options_of(dir / "wal", {});
  how.max_segment_size_mb = 50;
  auto log = open_log(how);
  std::vector<core::entry_ptr> entries;
  std::vector<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    ids.push_back(std::to_string(i) + std::string(10'000, '<'));
    entries.push_back(std::make_shared<const core::entry>(make_entry(ids.back())));
  }
  for (const auto& outcome : log->append_batch(entries)) REQUIRE(outcome.ok());
  REQUIRE(log->append(make_entry("why")).ok());
  REQUIRE(log->mark_delivered_batch(ids).ok());
  REQUIRE(log->mark_permanent_failure("why", std::string(11'000'000, 'r')).ok());
  copy_as_killed(dir / "wal", dir / "copy");
  for (const auto& path : segments_in(dir / "copy")) {
    const auto text = read_file(path);
    write_file(path, text.substr(0, text.find_last_not_of('\0') + 1));
  }
  CHECK_FALSE(read_as_reference(dir / "copy").too_long);
  how.directory = dir / "copy";
  auto reopened = open_log(how);
  CHECK(reopened->pending_count() == 0);
  std::vector<std::string> reasons;
  REQUIRE(reopened->dead_letters({}, [&](const auto& one) { reasons.push_back(one.reason); }).ok());
  REQUIRE(reasons.size() == 1);
  CHECK(reasons[0] == std::string(reasons[0].size(), 'r'));
  CHECK(reasons[0].size() >= 4096);
}
