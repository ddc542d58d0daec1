#include <algorithm>
#include <filesystem>
#include <random>

#include "tests/proof/proof_size.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/wal/chain_support.hpp"

namespace {

using namespace nexus;
using test::check_clean;
using test::read_lines;
using test::signed_options;
using test::temp_dir;
using test::write_lines;
using wal::breach;

/// Ids that a test has appended under a prefix.
std::string id_of(const std::string& prefix, int number) {
  return prefix + std::to_string(number);
}

/// A log of several segments of about ten lines each.
struct busy_log {
  temp_dir dir;
  wal::options how;
  std::unique_ptr<wal::log> log;

  explicit busy_log(bool encrypted = false)
      : how(encrypted ? test::encrypted_options(dir.path()) : signed_options(dir.path())) {
    how.max_segment_size_mb = 1;
    how.retain_delivered_hours = -1;
    log = test::open_log(how);
  }

  void append(const std::string& prefix, int count) const {
    for (int i = 0; i < count; ++i) {
      auto value = test::make_entry(id_of(prefix, i));
      value.payload = "\"" + std::string(100'000, 'z') + "\"";
      REQUIRE(log->append(value).ok());
    }
  }
  void deliver(const std::string& prefix, int from, int to) const {
    for (int i = from; i < to; ++i) REQUIRE(log->mark_delivered(id_of(prefix, i)).ok());
  }
  void fail(const std::string& prefix, int from, int to) const {
    for (int i = from; i < to; ++i)
      REQUIRE(log->mark_permanent_failure(id_of(prefix, i), "no").ok());
  }
  void reopen() {
    REQUIRE(log->close().ok());
    log.reset();
    log = test::open_log(how);
  }
  std::vector<std::string> segments() const { return test::segments_in(dir.path()); }
};

std::string name_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

TEST_CASE("a signed log is clean while it is written, settled, closed and opened again") {
  for (bool encrypted : {false, true}) {
    busy_log busy(encrypted);
    check_clean(busy.how);
    busy.append("a", 35);
    check_clean(busy.how);
    busy.deliver("a", 0, 20);
    busy.fail("a", 20, 25);
    check_clean(busy.how);
    REQUIRE(busy.log->settle().ok());
    check_clean(busy.how);
    for (int round = 0; round < 3; ++round) {
      busy.reopen();
      check_clean(busy.how);
      busy.append("b" + std::to_string(round), 7);
      check_clean(busy.how);
    }
    busy.deliver("a", 25, 35);
    REQUIRE(busy.log->close().ok());
    check_clean(busy.how);
    auto out = test::verified(busy.how);
    CHECK(out.unsealed == 0);
    CHECK(out.entries == 56);
    CHECK(out.sealed >= 5);
  }
}

TEST_CASE("a signed log is clean after retention, redriving and purging") {
  busy_log busy;
  busy.append("a", 35);
  busy.deliver("a", 0, 8);
  busy.fail("a", 8, 24);
  busy.deliver("a", 24, 35);
  REQUIRE(busy.log->settle().ok());
  wal::dead_letter_filter one;
  one.payload_ids = {"a9"};
  REQUIRE(busy.log->redrive(one).ok());
  one.payload_ids = {"a12"};
  REQUIRE(busy.log->purge(one).ok());
  REQUIRE(busy.log->settle().ok());
  check_clean(busy.how);
  REQUIRE(busy.log->close().ok());
  check_clean(busy.how);

  const auto before = busy.segments().size();
  busy.how.retain_delivered_hours = 0;
  busy.log = test::open_log(busy.how);
  busy.append("b", 12);
  REQUIRE(busy.log->maintain().ok());
  CHECK(busy.segments().size() < before);
  check_clean(busy.how);
  busy.reopen();
  check_clean(busy.how);
  busy.append("c", 25);
  check_clean(busy.how);

  SECTION("the oldest that is left can't be removed by anybody else") {
    REQUIRE(busy.log->close().ok());
    auto all = busy.segments();
    std::filesystem::remove(all[1]);
    CHECK(test::verified(busy.how).breaches > 0);
  }
}

TEST_CASE("a copy of a signed log at any moment, as a kill leaves it, is clean") {
  busy_log busy;
  temp_dir other;
  const auto copy = other / "copy";
  auto how = busy.how;
  how.directory = copy;
  for (int i = 0; i < 25; ++i) {
    busy.append("a" + std::to_string(i), 1);
    if (i % 3 == 0) REQUIRE(busy.log->mark_delivered("a" + std::to_string(i) + "0").ok());
    if (i % 7 == 0) REQUIRE(busy.log->settle().ok());
    test::copy_as_killed(busy.dir.path(), copy);
    check_clean(how);
    auto log = test::open_log(how);
    check_clean(how);
    for (int more = 0; more < 12; ++more) {
      auto value = test::make_entry("more" + std::to_string(more));
      value.payload = "\"" + std::string(100'000, 'z') + "\"";
      REQUIRE(log->append(value).ok());
    }
    check_clean(how);
    REQUIRE(log->close().ok());
    check_clean(how);
  }
}

TEST_CASE("a signed log is clean after a power cut at any operation, and after the next start") {
  for (auto survived : {test::survival::nothing, test::survival::everything, test::survival::torn})
    for (auto at = 1 + static_cast<std::uint64_t>(survived); at < 60;
         at += 4 * test::proof_divisor()) {
      temp_dir dir;
      auto how = signed_options(dir.path());
      how.max_segment_size_mb = 1;
      test::failing_files files(dir.path());
      how.files = &files;
      auto use = [&](const std::string& prefix) {
        auto opened = wal::log::open(how);
        if (!opened) return;
        auto& log = **opened;
        for (int i = 0; i < 6; ++i) {
          auto value = test::make_entry(id_of(prefix, i));
          value.payload = "\"" + std::string(300'000, 'z') + "\"";
          if (!log.append(value)) return;
          if (i % 2 == 0 && !log.mark_delivered(id_of(prefix, i))) return;
        }
        if (!log.close()) return;
      };
      use("first");
      files.cut_power_at(at);
      use("second");
      files.crash(survived);
      INFO("power cut at operation " << at << ", survival " << static_cast<int>(survived));
      check_clean(how);
      use("third");
      check_clean(how);
      use("fourth");
      check_clean(how);
    }
}

TEST_CASE("a signed log is clean when a segment had to be given up") {
  for (auto kind : {test::operation::write, test::operation::sync})
    for (std::uint64_t nth = 1; nth < 10; nth += test::proof_divisor()) {
      temp_dir dir;
      auto how = signed_options(dir.path());
      how.max_segment_size_mb = 1;
      how.retain_delivered_hours = -1;
      test::failing_files files(dir.path());
      how.files = &files;
      INFO("failure " << nth);
      {
        auto log = test::open_log(how);
        for (int i = 0; i < 14; ++i) {
          if (i == 3) files.fail({kind, nth});
          auto value = test::make_entry(id_of("a", i));
          value.payload = "\"" + std::string(300'000, 'z') + "\"";
          const auto appended = log->append(value);
          if (appended && i % 3 == 0)
            if (auto marked = log->mark_delivered(id_of("a", i)); !marked)
              CHECK(marked.reason().code == core::errc::io_failed);
          check_clean(how);
        }
        files.heal();
        REQUIRE(log->settle().ok());
        check_clean(how);
        REQUIRE(log->close().ok());
        check_clean(how);
      }
      auto log = test::open_log(how);
      REQUIRE(log->append(test::make_entry("more")).ok());
      check_clean(how);
      REQUIRE(log->close().ok());
      check_clean(how);
    }
}

TEST_CASE("segments from before the mode was switched on get their seals") {
  busy_log busy;
  busy.log.reset();
  std::filesystem::remove(busy.dir / "anchor");
  for (const auto& path : busy.segments()) std::filesystem::remove(path);
  busy.how.integrity = wal::integrity_mode::crc32;
  busy.log = test::open_log(busy.how);
  busy.append("a", 25);
  busy.deliver("a", 0, 12);
  REQUIRE(busy.log->close().ok());
  busy.how.integrity = wal::integrity_mode::mac;
  check_clean(busy.how);
  busy.log = test::open_log(busy.how);
  check_clean(busy.how);
  busy.append("b", 3);
  check_clean(busy.how);
  REQUIRE(busy.log->close().ok());
  check_clean(busy.how);
  CHECK(test::verified(busy.how).unsealed == 0);
  auto stored = read_lines(busy.segments().front());
  stored.erase(stored.begin() + 2);
  write_lines(busy.segments().front(), stored);
  test::check_finding(busy.how, breach::removed_line, name_of(busy.segments().front()), 3);
}

TEST_CASE("tampering with a closed log is told, and still is after the log was opened again") {
  for (int kind = 0; kind < 6; ++kind) {
    busy_log busy;
    busy.append("a", 28);
    busy.deliver("a", 0, 5);
    REQUIRE(busy.log->close().ok());
    check_clean(busy.how);
    // The newest segment is the one that the next start goes on with.
    for (bool newest : {false, true}) {
      temp_dir other;
      auto how = busy.how;
      how.directory = other / "copy";
      test::copy_as_killed(busy.dir.path(), how.directory);
      auto path =
          newest ? test::segments_in(how.directory).back() : test::segments_in(how.directory)[1];
      auto stored = read_lines(path);
      std::vector<std::size_t> entries;
      for (std::size_t i = 0; i < stored.size(); ++i)
        if (stored[i].find("\"entry_type\"") == std::string::npos) entries.push_back(i);
      REQUIRE(entries.size() > 3);
      auto at = [&](std::size_t i) {
        return stored.begin() + static_cast<std::ptrdiff_t>(entries[i]);
      };
      if (kind == 0) stored.erase(at(1));
      if (kind == 1) std::iter_swap(at(1), at(2));
      if (kind == 2) stored.insert(at(3), stored[entries[1]]);
      if (kind == 3) stored.erase(at(2), at(2) + 1);
      if (kind == 4) stored.pop_back();  // the seal
      if (kind == 5 && newest) continue;
      write_lines(path, stored);
      if (kind == 5) std::filesystem::remove(path);
      INFO("kind " << kind << ", newest " << newest);
      CHECK(test::verified(how).breaches > 0);
      int told = 0;
      how.on_security_event = [&](const wal::security_event&) { ++told; };
      auto log = test::open_log(how);
      if (newest) CHECK(told == 1);
      REQUIRE(log->append(test::make_entry("more")).ok());
      REQUIRE(log->close().ok());
      auto out = test::verified(how);
      INFO(test::told(out));
      CHECK(out.breaches > 0);
    }
  }
}

TEST_CASE("lines that were cut off with the newest seal are missed after the next start, too") {
  busy_log busy;
  busy.append("a", 3);
  REQUIRE(busy.log->close().ok());
  const auto path = test::segments_in(busy.dir.path()).back();
  const auto sealed_once = read_lines(path);
  busy.log = test::open_log(busy.how);
  REQUIRE(sealed_once.back().find("\"seal\"") != std::string::npos);
  busy.append("b", 3);
  REQUIRE(busy.log->close().ok());
  check_clean(busy.how);
  write_lines(path, sealed_once);

  for (int start = 0; start < 3; ++start) {
    int told = 0;
    busy.how.on_security_event = [&](const wal::security_event&) { ++told; };
    busy.log = test::open_log(busy.how);
    CHECK(told == (start == 0 ? 1 : 0));  // what was written since is nobody's work but ours
    busy.append("c" + std::to_string(start), 1);
    REQUIRE(busy.log->close().ok());
    const auto out = test::verified(busy.how);
    INFO(test::told(out));
    CHECK(out.breaches == 1);
  }
}

TEST_CASE("an old anchor does not bring removed segments back") {
  busy_log busy;
  busy.append("a", 25);
  const auto early = test::read_file(busy.dir / "anchor");
  busy.deliver("a", 0, 25);
  REQUIRE(busy.log->close().ok());
  busy.how.retain_delivered_hours = 0;
  busy.log = test::open_log(busy.how);
  busy.append("b", 12);
  REQUIRE(busy.log->maintain().ok());
  REQUIRE(busy.log->close().ok());
  check_clean(busy.how);
  test::write_file(busy.dir / "anchor", early);
  auto out = test::verified(busy.how);
  INFO(test::told(out));
  REQUIRE(out.breaches > 0);
  CHECK(out.findings.front().what == breach::removed_segment);
}

}  // namespace
