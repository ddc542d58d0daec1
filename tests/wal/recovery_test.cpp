// What opening makes of a directory that a crash, a foreign program or an accident has left.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"
#include "wal/format.hpp"
#include "wal/inspect.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::string entry_line(const std::string& id, const std::string& key = {},
                       const std::string& status = "PENDING") {
  auto value = make_entry(id, key);
  value.timestamp = "2026-01-01T00:00:00Z";
  value.status = status;
  std::string json;
  REQUIRE(core::append_json(json, value).ok());
  return line_of(json);
}

std::string entry_lines(const std::string& prefix, int from, int to) {
  std::string text;
  for (int i = from; i < to; ++i)
    text += entry_line(prefix + std::to_string(i), prefix + std::to_string(i));
  return text;
}

}  // namespace

TEST_CASE(
    "a line torn at any byte is repaired before the next entry is written, in both integrity "
    "modes") {
  for (auto mode : {wal::integrity_mode::crc32, wal::integrity_mode::mac}) {
    temp_dir dir;
    auto how = options_for(dir / "wal");
    how.integrity = mode;
    how.mac_key = "key";
    how.max_segment_size_mb = 1;
    append_ids(*open_log(how), {"whole", "last"});
    auto path = segments_in(dir / "wal")[0];
    auto full = read_file(path);
    auto start = full.find('\n') + 1;
    full.resize(full.find('\n', start) + 1);  // without the seal of mode mac
    for (bool preallocated : {false, true}) {
      for (auto cut = start; cut < full.size(); ++cut) {
        std::filesystem::remove_all(dir / "wal");
        write_file(path, full.substr(0, cut) + (preallocated ? std::string(5000, '\0') : ""));
        failing_files files(dir / "wal");  // for its speed
        how.files = &files;
        append_ids(*open_log(how), {"next"});
        auto ids = ids_after_reopen(how);
        INFO("cut at " << cut - start << " of " << full.size() - start);
        // All but the newline (and in mode mac all but the HMAC) is a whole line: it may count, but
        // nothing else may.
        if (ids.size() == 3) {
          CHECK(ids == std::vector<std::string>{"whole", "last", "next"});
          CHECK(cut >= full.size() - 1 - (mode == wal::integrity_mode::mac ? 65 : 0));
        } else {
          CHECK(ids == std::vector<std::string>{"whole", "next"});
        }
        CHECK(
            read_as_reference(dir / "wal", mode == wal::integrity_mode::mac ? "key" : "").damaged ==
            0);
      }
    }
  }
}

TEST_CASE(
    "nothing of a torn line is left behind a shorter line that follows it, even if the process is "
    "killed then") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl",
             entry_line("a") + "{\"torn\":\"" + std::string(5000, 't'));
  auto log = open_log(dir / "wal");
  append_ids(*log, {"b"});
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(bytes_of(dir / "copy").find("ttt") == std::string::npos);
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"a", "b"});
}

TEST_CASE(
    "a torn piece in an older segment is skipped and counted, and its segment is left alone") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a") + "{\"version\":2,\"payl");
  write_file(dir / "wal/wal-0000000002.jsonl", entry_line("b"));
  auto before = read_file(dir / "wal/wal-0000000001.jsonl");
  auto log = open_log(dir / "wal");
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
  CHECK(log->stats().torn_lines == 1);
  CHECK(log->current_segment() == "wal-0000000002.jsonl");
  log.reset();
  CHECK(read_file(dir / "wal/wal-0000000001.jsonl") == before);
}

TEST_CASE("a write cut off in the middle of a JSON after five entries leaves the five") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl",
             entry_lines("p", 0, 5) + R"({"version":2,"payload_id":"p5","st)");
  CHECK(ids_after_reopen(dir / "wal") == ids_from("p", 5));
}

TEST_CASE("entries copied twice around a rotation are handed on once") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl", entry_lines("p", 0, 25));
  write_file(dir / "wal/wal-0000000002.jsonl", entry_lines("p", 20, 50));
  CHECK(ids_after_reopen(dir / "wal") == ids_from("p", 50));
  auto log = open_log(dir / "wal");
  for (const auto& id : replayed_ids(*log)) REQUIRE(log->mark_delivered(id).ok());
  CHECK(log->pending_count() == 0);
  log.reset();
  CHECK(read_as_reference(dir / "wal").pending.empty());
}

TEST_CASE("fifty entries survive a killed process, each once") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 50));
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == ids_from("p", 50));
}

TEST_CASE("a hundred openings without a close lose nothing") {
  temp_dir dir;
  std::filesystem::create_directories(dir / "wal");
  auto directory = dir / "wal";
  for (int i = 0; i < 100; ++i) {
    failing_files files(directory);  // for its speed
    auto how = options_for(directory);
    how.files = &files;
    how.max_segment_size_mb = 1;
    auto log = open_log(how);
    append_ids(*log, {"p" + std::to_string(i)});
    auto next = dir / ("wal" + std::to_string(i));
    copy_as_killed(directory, next);
    log.reset();
    std::filesystem::remove_all(directory);
    directory = next;
  }
  CHECK(ids_after_reopen(directory) == ids_from("p", 100));
}

TEST_CASE(
    "lines that are whole but no entry are skipped: malformed JSON, other words, other kinds") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl",
             entry_line("a") + line_of("{\"version\":\"2\"}") + line_of("nonsense") +
                 line_of("null") + line_of(R"({"payload_id":"w","status":"WAITING"})") +
                 line_of(R"({"payload_id":"c","status":"DELIVERED","entry_type":"checkpoint"})") +
                 entry_line("d", {}, "DELIVERED") + entry_line("f", {}, "PERMANENT_FAILURE") +
                 "\n\r\n" + entry_line("b"));
  auto before = read_file(dir / "wal/wal-0000000001.jsonl");
  {
    auto log = open_log(dir / "wal");
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
    CHECK(log->stats().malformed_lines == 2);
    CHECK(log->crc_failures() == 0);
    CHECK(log->sample_delivered(10)->size() == 1);
  }
  CHECK(read_file(dir / "wal/wal-0000000001.jsonl") == before);
  {
    auto log = open_log(dir / "wal");
    REQUIRE(log->mark_delivered("a").ok());
  }
  // Everything but the entry that was marked stays byte for byte.
  CHECK(read_file(dir / "wal/wal-0000000001.jsonl") ==
        entry_line("a", {}, "DELIVERED") + before.substr(entry_line("a").size()));
}

TEST_CASE(
    "a foreign line that is longer than the reference reads does not stop the rest, and is an "
    "entry like any other") {
  temp_dir dir;
  auto big = make_entry("big");
  big.timestamp = "2026-01-01T00:00:00Z";
  big.payload = "\"" + std::string(11 << 20, 'x') + "\"";
  std::string json;
  REQUIRE(core::append_json(json, big).ok());
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a") + line_of(json) + entry_line("b"));
  auto log = open_log(dir / "wal");
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "big", "b"});
  REQUIRE(log->mark_delivered("big").ok());
  REQUIRE(log->mark_delivered("a").ok());
  log.reset();
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"b"});
}

TEST_CASE("damage of any length is kept byte for byte when its segment is settled") {
  temp_dir dir;
  std::string damage(65 << 20, 'x');
  damage[0] = 'A';
  damage.back() = 'Z';
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a") + damage + "\n" + entry_line("b"));
  {
    auto log = open_log(dir / "wal");
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
    CHECK(log->crc_failures() == 1);
    REQUIRE(log->mark_delivered("a").ok());
  }
  auto after = read_file(dir / "wal/wal-0000000001.jsonl");
  CHECK((after == entry_line("a", {}, "DELIVERED") + damage + "\n" + entry_line("b")));
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"b"});
}

TEST_CASE("a preallocated tail of any size is no damage") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a"));
  std::filesystem::resize_file(dir / "wal/wal-0000000001.jsonl", 150 << 20);
  auto seen =
      wal::inspect(options_for(dir / "wal"), wal::selection::none, {}, [](std::string_view) {});
  REQUIRE(seen.ok());
  CHECK(seen->lines == 1);
  CHECK(seen->crc_failures == 0);
  CHECK_FALSE(seen->first_damage);
  auto log = open_log(dir / "wal");
  CHECK(log->crc_failures() == 0);
  append_ids(*log, {"b"});
  log.reset();
  CHECK(read_as_reference(dir / "wal").pending == std::vector<std::string>{"a", "b"});
  CHECK(std::filesystem::file_size(dir / "wal/wal-0000000001.jsonl") < 10'000);
}

TEST_CASE("temporary files of a crash are removed, the reference's and ours, and nothing else") {
  temp_dir dir;
  write_file(dir / "wal/wal-123456.tmp", "half a rewrite");
  write_file(dir / "wal/wal-0000000001.jsonl.tmp", "half a rewrite");
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a"));
  write_file(dir / "wal/notes.tmp", "mine");
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"a"});
  CHECK(read_as_reference(dir / "wal").leftovers == std::vector<std::string>{"notes.tmp"});
}

TEST_CASE("empty segments are legal, and the newest one is written to") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl", entry_line("a"));
  write_file(dir / "wal/wal-0000000002.jsonl", "");
  auto log = open_log(dir / "wal");
  CHECK(log->current_segment() == "wal-0000000002.jsonl");
  append_ids(*log, {"b"});
  log.reset();
  CHECK(read_as_reference(dir / "wal").lines.back().segment == "wal-0000000002.jsonl");
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a full newest segment is not written to again") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  std::string text;
  while (text.size() < (1 << 20)) text += entry_line("p" + std::to_string(text.size()));
  write_file(dir / "wal/wal-0000000001.jsonl", text);
  {
    auto log = open_log(how);
    append_ids(*log, {"next"});
    CHECK(log->current_segment() > "wal-0000000001.jsonl");
  }
  CHECK(read_file(dir / "wal/wal-0000000001.jsonl") == text);
}

TEST_CASE("inspect names what is missing") {
  temp_dir dir;
  auto seen =
      wal::inspect(options_for(dir / "nowhere"), wal::selection::none, {}, [](std::string_view) {});
  REQUIRE_FALSE(seen.ok());
  CHECK(seen.reason().code == core::errc::not_found);
  CHECK_FALSE(std::filesystem::exists(dir / "nowhere"));
}

TEST_CASE(
    "an entry whose key was already delivered earlier in the log is handed on, as the reference "
    "does") {
  temp_dir dir;
  write_file(dir / "wal/wal-0000000001.jsonl",
             entry_line("a", "k", "DELIVERED") + entry_line("b", "k"));
  CHECK(ids_after_reopen(dir / "wal") == std::vector<std::string>{"b"});
}
