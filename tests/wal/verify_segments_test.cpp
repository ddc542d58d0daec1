#include "wal/verify.hpp"

#include <filesystem>

#include "tests/wal/chain_support.hpp"

namespace {

using namespace nexus;
using test::check_clean;
using test::check_finding;
using test::read_lines;
using test::sealed_log;
using test::signed_options;
using test::stripped;
using test::tampering;
using test::temp_dir;
using test::write_lines;
using wal::breach;

TEST_CASE("a removed segment is told: the oldest, one in the middle, the newest sealed one") {
  {
    tampering t;
    std::filesystem::remove(t.log.path(t.first));
    check_finding(t.how, breach::removed_segment, t.middle, 0);
  }
  {
    tampering t;
    std::filesystem::remove(t.log.path(t.middle));
    check_finding(t.how, breach::removed_segment, t.last, 0);
  }
  {
    tampering t;
    std::filesystem::remove(t.log.path(t.last));
    check_finding(t.how, breach::removed_segment, t.last, 0);
  }
  {
    tampering t;
    for (const auto& segment : {t.first, t.middle, t.last, t.active})
      std::filesystem::remove(t.log.path(segment));
    check_finding(t.how, breach::removed_segment, t.last, 0);
  }
}

TEST_CASE("a segment put in, renamed or exchanged is told") {
  {
    tampering t;  // a copy of the first between the two others
    auto name = t.middle;
    name.insert(name.size() - 6, "0");
    std::filesystem::copy(t.log.path(t.first), t.log.path(name));
    check_finding(t.how, breach::missing_seal, name, 0);
  }
  {
    tampering t;
    std::filesystem::rename(t.log.path(t.middle), t.log.path("swap"));
    std::filesystem::rename(t.log.path(t.first), t.log.path(t.middle));
    std::filesystem::rename(t.log.path("swap"), t.log.path(t.first));
    auto out = test::verified(t.how);
    INFO(test::told(out));
    REQUIRE(out.breaches > 0);
    CHECK(out.findings.front().segment == t.first);
  }
}

/// Lines of the middle one are replaced by what `repair` leaves: `places` at its end. `newest`: no
/// segment follows it.
wal::verification repaired(std::size_t lines_left, int places, bool newest = false) {
  tampering t;
  if (newest) {
    std::filesystem::remove(t.log.path(t.active));
    std::filesystem::remove(t.log.path(t.last));
    const auto line = read_lines(t.log.path(t.middle)).back();
    t.log.write_newest(*wal::parse_seal(*core::parse_entry(line.substr(0, line.find('\t')))));
  }
  t.stored.resize(lines_left);
  for (int i = 0; i < places; ++i)
    t.stored.push_back(t.log.line_for(
        t.middle, R"({"version":2,"status":"QUARANTINED","timestamp":"2026-01-01T00:00:00Z",)"
                  R"("entry_type":"quarantined","line_bytes":20,"crc32":"01234567"})"));
  t.write();
  auto out = test::verified(t.how);
  INFO(test::told(out));
  if (out.breaches > 0) CHECK(out.findings.front().segment == t.middle);
  return out;
}

TEST_CASE("a damaged seal that a repair has taken out hides no line that is missing") {
  for (const bool newest : {false, true}) {
    INFO("newest " << newest);
    CHECK(repaired(12, 1, newest).breaches == 0);
    // Of two lines one was the seal: what else it covered can't be told.
    for (const std::size_t left : {0, 1, 6, 11}) {
      INFO("left " << left);
      for (const int places : {1, 2}) {
        const auto out = repaired(left, places, newest);
        REQUIRE(out.breaches == 1);
        CHECK(out.findings.front().what == breach::missing_seal);
      }
    }
  }
}

TEST_CASE("a log with seals and no anchor, or a damaged one, is told") {
  tampering t;
  auto bytes = test::read_file(t.dir / "anchor");
  std::filesystem::remove(t.dir / "anchor");
  check_finding(t.how, breach::bad_anchor, "anchor", 0);
  bytes[30] ^= 1;
  test::write_file(t.dir / "anchor", bytes);
  check_finding(t.how, breach::bad_anchor, "anchor", 0);
}

TEST_CASE("an anchor that lags behind by some seals is fine, as a crash may leave it") {
  tampering t;
  auto of = [&](const std::string& segment) {
    auto line = read_lines(t.log.path(segment)).back();
    return *wal::parse_seal(*core::parse_entry(line.substr(0, line.find('\t'))));
  };
  t.log.write_newest(of(t.middle));
  check_clean(t.how);
  t.log.write_newest(of(t.first));
  check_clean(t.how);
}

TEST_CASE("what retention has removed is not missing, and what it has yet to remove is ignored") {
  tampering t;
  auto line = read_lines(t.log.path(t.first)).back();
  auto seal = *wal::parse_seal(*core::parse_entry(line.substr(0, line.find('\t'))));
  auto before = test::read_file(t.dir / "anchor");
  t.log.write_oldest({seal.segment, seal.value});
  auto leftover = read_lines(t.log.path(t.first));
  leftover.resize(4);
  write_lines(t.log.path(t.first), leftover);
  check_clean(t.how);
  std::filesystem::remove(t.log.path(t.first));
  check_clean(t.how);

  SECTION("with the anchor from before, the segment is missing") {
    test::write_file(t.dir / "anchor", before);
    check_finding(t.how, breach::removed_segment, t.middle, 0);
  }
  SECTION("nobody else may remove the next one") {
    std::filesystem::remove(t.log.path(t.middle));
    check_finding(t.how, breach::removed_segment, t.last, 0);
  }
  SECTION("retention may remove everything that is sealed") {
    t.log.write_oldest(t.log.anchor().newest);
    std::filesystem::remove(t.log.path(t.middle));
    std::filesystem::remove(t.log.path(t.last));
    check_clean(t.how);
  }
}

TEST_CASE("the end of the segment that is written to is not judged") {
  tampering t;
  const auto bytes = test::read_file(t.log.path(t.active));
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    test::write_file(t.log.path(t.active), bytes.substr(0, size) + std::string(100, '\0'));
    auto out = test::verified(t.how);
    INFO(size << test::told(out));
    CHECK(out.breaches == 0);
  }
}

TEST_CASE("a segment may be sealed more than once, and each of its seals counts") {
  temp_dir dir;
  auto how = signed_options(dir.path());
  sealed_log log(how);
  auto name = log.begin();
  log.fill(6);
  log.seal();
  log.fill(6);
  check_clean(how);  // being written
  log.seal();
  check_clean(how);
  auto stored = read_lines(log.path(name));  // entries 1-6, seal 7, entries 8-13, seal 14

  SECTION("the newest seal is missing") {
    stored.resize(7);
    write_lines(log.path(name), stored);
    check_finding(how, breach::cut_off, name, 8);
  }
  SECTION("the newest seal alone is missing") {
    stored.resize(13);
    write_lines(log.path(name), stored);
    check_finding(how, breach::cut_off, name, 14);
  }
  SECTION("a line is missing under the older one") {
    stored.erase(stored.begin() + 2);
    write_lines(log.path(name), stored);
    check_finding(how, breach::removed_line, name, 3);
  }
  SECTION("a line is missing under the newer one") {
    stored.erase(stored.begin() + 9);
    write_lines(log.path(name), stored);
    check_finding(how, breach::removed_line, name, 10);
  }
  SECTION("a new seal over a list from which a line was removed does not hide it") {
    wal::chain forged(name, std::string(wal::no_seal));
    stored.erase(stored.begin() + 2);
    for (std::size_t i = 0; i < 12; ++i)
      if (i != 5) forged.add(wal::line_format::mac_at_end(stored[i]));
    auto seal = forged.seal_now(log.format());
    std::string json;
    wal::append_json(json, seal, "2026-01-01T00:00:00Z");
    stored.back() = log.line_for(name, json);
    write_lines(log.path(name), stored);
    log.write_newest(seal);
    check_finding(how, breach::removed_line, name, 3);
  }
}

TEST_CASE("the seal of a segment may stand in a later one") {
  temp_dir dir;
  auto how = signed_options(dir.path());
  sealed_log log(how);
  auto zero = log.sealed_segment(5);
  auto poisoned = log.begin();
  log.fill(8);
  auto owed = log.seal_value();
  auto holder = log.begin();
  log.add_seal_line(owed);
  log.write_newest(owed);
  log.fill(3);
  check_clean(how);
  log.seal();
  check_clean(how);
  log.sealed_segment(2);
  check_clean(how);
  CHECK(test::verified(how).sealed == 4);
  const auto stored = read_lines(log.path(poisoned));
  auto changed = stored;

  SECTION("a line is missing") {
    changed.erase(changed.begin() + 3);
    write_lines(log.path(poisoned), changed);
    check_finding(how, breach::removed_line, poisoned, 4);
  }
  SECTION("its end is missing") {
    changed.resize(6);
    write_lines(log.path(poisoned), changed);
    check_finding(how, breach::cut_off, poisoned, 7);
  }
  SECTION("a piece of a line at its end is what it was given up for") {
    test::write_file(log.path(poisoned), test::bytes_from(changed) + "{\"version\":2,\"pay");
    check_clean(how);
  }
  SECTION("all of it is missing") {
    std::filesystem::remove(log.path(poisoned));
    check_finding(how, breach::removed_segment, poisoned, 0);
  }
  SECTION("its seal is missing") {
    auto rest = read_lines(log.path(holder));
    rest.erase(rest.begin());
    write_lines(log.path(holder), rest);
    check_finding(how, breach::missing_seal, poisoned, 0);
  }
  SECTION("the holder is missing") {
    std::filesystem::remove(log.path(holder));
    auto out = test::verified(how);
    INFO(test::told(out));
    CHECK(out.breaches > 0);
  }
}

TEST_CASE("segments from before the chain began are sealed by a later one, or are a breach") {
  temp_dir dir;
  auto how = signed_options(dir.path());
  sealed_log log(how);
  auto old = log.begin();
  log.fill(4);
  check_clean(how);
  auto owed = log.seal_value();
  log.begin();
  log.fill(4);
  check_clean(how);  // not sealed yet: nothing is known of them
  log.add_seal_line(owed);
  log.seal();
  check_clean(how);
  std::filesystem::remove(log.path(old));
  check_finding(how, breach::removed_segment, old, 0);
}

TEST_CASE("in mode crc32 only damage counts, and seals say nothing") {
  tampering t;
  t.how.integrity = wal::integrity_mode::crc32;
  std::swap(t.stored[2], t.stored[3]);
  t.stored.erase(t.stored.begin() + 7);
  t.stored[0] = stripped(t.stored[0]);
  t.write();
  std::filesystem::remove(t.log.path(t.first));
  std::filesystem::remove(t.dir / "anchor");
  check_clean(t.how);
  t.stored[4][10] ^= 1;
  t.expect(breach::damaged_line, 5);
}

TEST_CASE("a missing directory and a wrong key are errors, not breaches") {
  tampering t;
  auto other = t.how;
  other.mac_key = "another one";
  REQUIRE_FALSE(wal::verify(other).ok());
  CHECK(wal::verify(other).reason().code == core::errc::bad_config);
  other.mac_key.clear();
  REQUIRE_FALSE(wal::verify(other).ok());
  CHECK(wal::verify(other).reason().code == core::errc::bad_config);
  other = t.how;
  other.directory += "/nothing";
  REQUIRE_FALSE(wal::verify(other).ok());
  CHECK(wal::verify(other).reason().code == core::errc::not_found);
}

}  // namespace
