// Reading pending entries back: lines that stand together are read together, and each is still
// judged by itself.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/failing_files.hpp"
#include "tests/wal/codec_support.hpp"
#include "tests/wal/log_support.hpp"
#include "wal/scan.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string key(32, 'k');

std::vector<wal::options> all_modes(const std::string& directory) {
  std::vector<wal::options> modes(3, options_for(directory));
  modes[1].integrity = wal::integrity_mode::mac;
  modes[1].mac_key = key;
  modes[2].encryption = {true, wal::cipher::xchacha20_poly1305, {key}};
  return modes;
}

std::string text_of(const core::entry& value) {
  std::string json;
  REQUIRE(core::append_json(json, value).ok());
  return json;
}

std::vector<std::string> replayed(wal::log& from) {
  std::vector<std::string> all;
  REQUIRE(from.replay([&](const core::entry& value) { all.push_back(text_of(value)); }).ok());
  return all;
}

/// The same through read_pending, in batches of `entries_max`.
std::vector<std::string> read_in_batches(wal::log& from, std::size_t entries_max) {
  std::vector<std::string> all;
  for (wal::position at = 0;;) {
    auto batch = from.read_pending("sqlite", at, entries_max, 1 << 20);
    REQUIRE(batch.ok());
    for (const auto& one : batch->entries) all.push_back(text_of(*one.entry));
    if (batch->at_end) return all;
    at = batch->next;
  }
}

/// Where the line of each entry stands in the one segment of a log.
std::map<std::string, wal::raw_line> places_in(const std::string& path, const wal::options& how) {
  std::map<std::string, wal::raw_line> places;
  codec lines(how, std::filesystem::path(path).filename());
  auto file = core::posix_files().open_read(path);
  REQUIRE(file.ok());
  auto scanned = wal::scan_segment(**file, std::filesystem::file_size(path), lines.decoder,
                                   [&](const wal::scanned_line& line) {
                                     if (line.kind == wal::line_kind::entry)
                                       places[std::string(line.head.name.payload_id)] = line.raw;
                                   });
  REQUIRE(scanned.ok());
  return places;
}

void flip_byte(const std::string& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(file.get() ^ 1);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

/// Short and long entries, some of which fill more than what is read at a time; every tenth
/// follows the one before it, every seventh is delivered. Returns those that are to be handed on.
std::map<std::string, core::entry> fill(wal::log& log) {
  std::map<std::string, core::entry> pending;
  std::vector<std::string> delivered;
  for (int i = 0; i < 120; ++i) {
    auto value = make_entry("p" + std::to_string(1000 + i));
    value.timestamp = "2026-01-01T00:00:00.5Z";
    value.actor_id = i % 3 ? "" : "\xC3\xA9\"<";
    const std::size_t bytes = i % 40 == 11 ? 300'000 : i % 15 == 4 ? 90'000 : i % 7 ? 10 : 6'000;
    value.payload = "{\"content\":\"" + std::string(bytes, 'x') + "\"}";
    if (i % 10 >= 8) value.idempotency_key = "key" + std::to_string(i / 10);
    REQUIRE(log.append(value).ok());
    if (i % 7 == 0)
      delivered.push_back(value.payload_id);
    else if (i % 10 != 9)
      pending[value.payload_id] = value;
  }
  REQUIRE(log.mark_delivered_batch(delivered).ok());
  for (const auto& id : delivered)  // takes its follower along
    if (id.ends_with('9') || id.ends_with('8')) pending.erase(id);
  return pending;
}

std::vector<std::string> texts_of(const std::map<std::string, core::entry>& entries) {
  std::vector<std::string> all;
  for (const auto& [id, value] : entries) all.push_back(text_of(value));
  return all;
}

}  // namespace

TEST_CASE("entries come back as they were, whatever stands between them, in every mode") {
  const temp_dir dir;
  for (const auto& how : all_modes(dir / "wal")) {
    std::filesystem::remove_all(dir / "wal");
    auto log = open_log(how);
    const auto expected = texts_of(fill(*log));
    for (int opening = 0; opening < 2; ++opening) {
      CHECK(replayed(*log) == expected);
      CHECK(read_in_batches(*log, 1) == expected);
      CHECK(read_in_batches(*log, 50) == expected);
      log.reset();
      log = open_log(how);
    }
    CHECK(log->crc_failures() == 0);
  }
}

TEST_CASE("lines that were changed while the log is open are noticed, and cost themselves only") {
  const temp_dir dir;
  for (const auto& how : all_modes(dir / "wal")) {
    std::filesystem::remove_all(dir / "wal");
    auto log = open_log(how);
    auto pending = fill(*log);
    const auto path = segments_in(dir / "wal").front();
    const auto places = places_in(path, how);
    // Neighbours, a long one, the first one, and one that stands behind a delivered one.
    const std::vector<std::string> damaged{"p1001", "p1002", "p1011", "p1043", "p1044"};
    for (const auto& id : damaged) {
      REQUIRE(pending.erase(id) == 1);
      flip_byte(path, places.at(id).offset + places.at(id).bytes / 2);
    }
    CHECK(read_in_batches(*log, 50) == texts_of(pending));
    CHECK(replayed(*log) == texts_of(pending));
    CHECK(log->crc_failures() == damaged.size());
    CHECK(log->pending_count() == pending.size());
  }
}

TEST_CASE("where a segment has become shorter, what is left of it is handed on") {
  const temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 9));
  const auto path = segments_in(dir / "wal").front();
  const auto cut = places_in(path, {}).at("p5");
  std::filesystem::resize_file(path, cut.offset + cut.bytes / 2);
  CHECK(replayed_ids(*log) == ids_from("p", 5));
  CHECK(log->crc_failures() == 4);
}

TEST_CASE(
    "many short lines are few reads, and a place that can't be read costs what stands there") {
  const temp_dir dir;
  failing_files files(dir.path());
  auto how = options_for(dir / "wal");
  how.files = &files;
  auto log = open_log(how);
  const auto ids = ids_from("p", 100);
  append_ids(*log, ids);
  const auto before = files.count(operation::read);
  CHECK(replayed_ids(*log) == ids);
  CHECK(files.count(operation::read) - before <= 2);

  files.fail({operation::read});  // of them together; the first line alone can be read
  CHECK(replayed_ids(*log) == ids);
  CHECK(files.faults_fired() == 1);

  files.fail({operation::read, 1, true});
  std::size_t handed_on = 0;
  auto failed = log->replay([&](const core::entry&) { ++handed_on; });
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.reason().code == core::errc::io_failed);
  CHECK(handed_on == 0);
  files.heal();
  CHECK(replayed_ids(*log) == ids);  // none was given up
}
