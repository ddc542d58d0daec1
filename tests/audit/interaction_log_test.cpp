// The interaction log on real files: what comes back, and from where.
#include "audit/interaction_log.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

using names = std::vector<std::string>;

struct log_house {
  temp_dir directory;
  failing_files files{directory.path()};
  core::metrics metrics;
  core::time_point now = *core::parse_timestamp("2026-01-01T00:00:00Z");
  audit::options how = [this] {
    audit::options standard;
    standard.file = path();
    standard.clock = [this] { return now; };
    return standard;
  }();
  std::unique_ptr<audit::interaction_log> log;

  std::string path() const { return directory / "interactions.jsonl"; }
  std::string shadow() const { return directory / "interactions-shadow.jsonl"; }

  core::result<void> try_open() {
    log.reset();
    auto opened = audit::interaction_log::open(how, files, core::make_null_logger(), metrics);
    if (!opened) return opened.reason();
    log = std::move(*opened);
    return {};
  }
  void open() {
    const auto opened = try_open();
    if (!opened) FAIL(opened.reason().text);
  }
  /// Named by its request id.
  void record(const std::string& name, const std::string& source = "chat",
              const std::string& decision = "ALLOWED") {
    audit::record one;
    one.request_id = name;
    one.timestamp = now += std::chrono::milliseconds(1);
    one.source = source;
    one.operation = "write";
    one.policy_decision = decision;
    one.actor_id = "actor of " + source;
    log->record(std::move(one));
  }
  void record_many(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) record(std::to_string(i));
  }
  audit::page find(std::uint64_t offset = 0, std::size_t limit = 1000, audit::filter which = {}) {
    auto found = log->find(which, offset, limit);
    if (!found) FAIL(found.reason().text);
    return std::move(*found);
  }
  names names_of(const audit::page& page) const {
    names out;
    for (const auto& one : page.records) out.push_back(one.request_id);
    return out;
  }
  double count(const std::string& name, const core::metric_labels& labels = {}) {
    return metrics.get_counter("bubblefish_audit_" + name, "", labels).value();
  }
};

/// "9", "8", … down to `to`.
names down(std::size_t from, std::size_t to) {
  names out;
  for (std::size_t i = from; i > to; --i) out.push_back(std::to_string(i - 1));
  return out;
}

void replace(const std::string& path, const std::string& old, const std::string& with) {
  std::string text = read_file(path);
  const auto at = text.find(old);
  REQUIRE(at != text.npos);
  write_file(path, text.replace(at, old.size(), with));
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("records come back newest first, a page at a time, also after a new start") {
  log_house house;
  house.open();
  house.record_many(0, 10);
  CHECK(house.names_of(house.find()) == down(10, 0));
  CHECK(house.find(2, 3).total == 10);
  CHECK(house.names_of(house.find(2, 3)) == names{"7", "6", "5"});
  CHECK(house.find(10, 3).records.empty());
  house.open();
  house.record_many(10, 12);
  CHECK(house.names_of(house.find()) == down(12, 0));
  const auto all = house.find();
  CHECK(all.records[0].record_id.size() == 32);
  CHECK(all.records[0].record_id != all.records[1].record_id);
  CHECK(house.count("records_total",
                    {{"operation_type", "write"}, {"policy_decision", "ALLOWED"}}) == 12);
}

TEST_CASE("a stop writes what waits, to both files, and nothing after it") {
  log_house house;
  house.open();
  house.record_many(0, 1000);
  house.log->stop();
  house.record("late");
  CHECK(lines_of(house.path()) == 1000);
  CHECK(read_file(house.path()) == read_file(house.shadow()));
  CHECK(house.count("records_dropped_total") == 1);
  const auto mode = std::filesystem::status(house.path()).permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("a filter chooses, and statistics count what it chooses") {
  log_house house;
  house.open();
  house.record("a");
  house.record("b", "bot", "DENIED");
  house.record("c", "bot");
  audit::filter bots;
  bots.source = "bot";
  CHECK(house.names_of(house.find(0, 10, bots)) == names{"c", "b"});
  const auto all = house.log->count({});
  REQUIRE(all);
  CHECK(all->total == 3);
  CHECK(all->denied == 1);
  CHECK(all->sources == audit::name_counts{{"bot", 2}, {"chat", 1}});
  CHECK(all->actors == audit::name_counts{{"actor of bot", 2}, {"actor of chat", 1}});
  CHECK(all->operations == audit::name_counts{{"write", 3}});
  CHECK(all->decisions == audit::name_counts{{"ALLOWED", 2}, {"DENIED", 1}});
  CHECK(all->last - all->first == std::chrono::milliseconds(2));
  const auto some = house.log->count(bots);
  REQUIRE(some);
  CHECK(some->total == 2);
}

TEST_CASE("a full file gets a marker and the name of its time, and all records are found") {
  log_house house;
  house.how.file_bytes_max = 1;
  house.open();
  for (std::size_t i = 0; i < 13; ++i) {
    house.record_many(i, i + 1);
    house.find();  // written by itself
  }
  CHECK(house.names_of(house.find()) == down(13, 0));
  CHECK(house.count("log_rotation_total") == 13);
  const std::string first = house.directory / "interactions-20260101-000000.jsonl";
  REQUIRE(std::filesystem::exists(first));
  CHECK(lines_of(first) == 2);
  CHECK(read_file(first).find(R"({"record_type":"rotation_marker",)") != std::string::npos);
  // All of the same second: numbered.
  CHECK(std::filesystem::exists(house.directory / "interactions-20260101-000000-12.jsonl"));
  CHECK(std::filesystem::exists(house.directory / "interactions-shadow-20260101-000000.jsonl"));
  CHECK_FALSE(std::filesystem::exists(house.path()));
  house.how.file_bytes_max = 1'000'000;
  house.open();
  house.record_many(13, 20);
  CHECK(house.names_of(house.find(3, 8)) == down(17, 9));
}

TEST_CASE("a damaged line is read from the shadow, in its place") {
  log_house house;
  house.open();
  house.record_many(0, 10);
  house.log->stop();
  replace(house.path(), R"("request_id":"4")", R"("request_id":"x")");
  house.open();
  CHECK(house.names_of(house.find()) == down(10, 0));
  CHECK(house.count("crc_failures_total") == 1);
  CHECK(house.count("shadow_recoveries_total") == 1);
  // Damaged in both: gone.
  house.log->stop();
  replace(house.shadow(), R"("request_id":"4")", R"("request_id":"y")");
  house.open();
  CHECK(house.find().total == 9);
}

TEST_CASE("what the file has lost, or all of it, is read from the shadow") {
  log_house house;
  house.open();
  house.record_many(0, 10);
  house.log->stop();
  const std::string whole = read_file(house.path());
  write_file(house.path(), whole.substr(0, whole.size() / 2));
  house.open();
  CHECK(house.names_of(house.find()) == down(10, 0));
  house.log->stop();
  std::filesystem::remove(house.path());
  house.open();
  house.record_many(10, 12);
  CHECK(house.names_of(house.find()) == down(12, 0));
}

TEST_CASE("a full file that is gone is read from its shadow") {
  log_house house;
  house.how.file_bytes_max = 1;
  house.open();
  house.record_many(0, 1);
  house.find();
  house.record_many(1, 2);
  house.find();
  std::filesystem::remove(house.directory / "interactions-20260101-000000.jsonl");
  CHECK(house.names_of(house.find()) == down(2, 0));
}

TEST_CASE("a directory that is removed is made again, with what comes from then on") {
  log_house house;
  house.how.file = house.directory / "logs/interactions.jsonl";
  house.open();
  house.record_many(0, 1);
  house.find();
  std::filesystem::remove_all(house.directory / "logs");
  house.record_many(1, 2);
  CHECK(house.names_of(house.find()) == names{"1"});
  CHECK(lines_of(house.how.file) == 1);
}

TEST_CASE("a record that was cut off by a crash does not spoil the next one") {
  log_house house;
  house.how.dual_write = false;
  house.open();
  house.record_many(0, 2);
  house.log->stop();
  write_file(house.path(), read_file(house.path()) + R"({"record_id":"torn)");
  house.open();
  house.record_many(2, 3);
  CHECK(house.names_of(house.find()) == down(3, 0));
  CHECK(house.count("crc_failures_total") == 1);
  CHECK_FALSE(std::filesystem::exists(house.shadow()));
}

TEST_CASE("in mode mac a record that was changed, with its CRC made to fit, is not believed") {
  log_house house;
  house.how.dual_write = false;
  house.open();
  house.record_many(0, 1);
  house.log->stop();
  // Without the key: what was written in mode crc32 stands for what a stranger can make.
  house.how.mac_key = "a key";
  house.open();
  house.record_many(1, 2);
  CHECK(house.names_of(house.find()) == names{"1"});
}

TEST_CASE("encrypted records come back, and nothing of them stands in the files") {
  log_house house;
  house.how.key = std::string(32, 'k');
  house.how.mac_key = "a key";
  house.how.encrypts = true;
  house.how.file_bytes_max = 2'000;
  house.open();
  for (std::size_t i = 0; i < 10; ++i) {
    house.record("SESAME", "SESAME");
    house.find();
  }
  CHECK(house.find().total == 10);
  house.log->stop();
  for (const auto& each : std::filesystem::directory_iterator(house.directory.path()))
    CHECK(read_file(each.path()).find("SESAME") == std::string::npos);
  house.open();
  CHECK(house.find().total == 10);
}

TEST_CASE("a file that cannot be used is an error at the start") {
  log_house house;
  write_file(house.directory / "file", "");
  house.how.file = house.directory / "file/interactions.jsonl";
  CHECK_FALSE(house.try_open());
  house.how.file = house.path();
  std::filesystem::create_directory(house.path());
  CHECK_FALSE(house.try_open());
  std::filesystem::remove(house.path());
  std::filesystem::create_directory(house.shadow());
  CHECK_FALSE(house.try_open());
}

TEST_CASE("only one log may have a file, and a missing directory is made") {
  log_house house;
  house.how.file = house.directory / "a/b/interactions.jsonl";
  house.open();
  core::metrics metrics;
  const auto second = audit::interaction_log::open(house.how, core::posix_files(),
                                                   core::make_null_logger(), metrics);
  REQUIRE_FALSE(second);
  CHECK(second.reason().code == core::errc::locked);
}

TEST_CASE("while the disk takes nothing records are lost, and the file says how many") {
  for (const auto what : {operation::write, operation::sync}) {
    log_house house;
    house.open();
    house.record_many(0, 2);
    house.find();
    fault broken;
    broken.which = what;
    broken.all_after = true;
    broken.short_write = 7;
    house.files.fail(broken);
    house.record_many(2, 4);
    CHECK(house.names_of(house.find()) == down(2, 0));
    house.record_many(4, 5);
    CHECK(house.names_of(house.find()) == down(2, 0));
    CHECK(house.count("log_errors_total", {{"file", "primary"}}) >= 1);
    CHECK(house.count("shadow_errors_total") >= 1);
    CHECK(house.count("records_dropped_total") == 3);
    house.files.heal();
    house.record_many(5, 6);
    CHECK(house.names_of(house.find()) == names{"5", "1", "0"});
    CHECK(read_file(house.path()).find(R"("record_type":"records_lost")") != std::string::npos);
    CHECK(read_file(house.path()).find(R"("count":"3")") != std::string::npos);
    CHECK(house.files.uses_after_failed_sync() == 0);
  }
}

TEST_CASE("a stop with a disk that takes nothing ends") {
  log_house house;
  house.open();
  fault broken;
  broken.which = operation::write;
  broken.all_after = true;
  house.files.fail(broken);
  house.record_many(0, 3);
  house.log->stop();
  CHECK(house.count("records_dropped_total") == 3);
}

TEST_CASE("what was written before a power cut is there after it") {
  for (const auto what : {survival::nothing, survival::torn, survival::everything}) {
    log_house house;
    house.open();
    house.record_many(0, 20);
    house.find();  // so they are synced
    house.files.cut_power_at(2);
    house.record_many(20, 30);
    house.log.reset();
    house.files.crash(what);
    house.open();
    const auto found = house.find();
    CHECK(found.total >= 20);
    const auto all = house.names_of(found);
    CHECK(names(all.end() - 20, all.end()) == down(20, 0));
  }
}

TEST_CASE("a file that somebody else moved away is begun anew") {
  log_house house;
  house.how.dual_write = false;
  house.open();
  house.record_many(0, 1);
  house.find();
  std::filesystem::rename(house.path(), house.directory / "moved");
  house.record_many(1, 2);
  CHECK(house.names_of(house.find()) == names{"1"});
  CHECK(lines_of(house.directory / "moved") == 1);
}
