#include "wal/verify.hpp"

#include <algorithm>
#include <filesystem>
#include <random>
#include <utility>

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

using lines = std::vector<std::string>;

TEST_CASE("an untouched log is clean, and is counted") {
  tampering t;
  check_clean(t.how);
  auto out = test::verified(t.how);
  CHECK(out.segments == 4);
  CHECK(out.sealed == 3);
  CHECK(out.unsealed == 1);
  CHECK(out.entries == 38);
  CHECK(out.lines == 41);
  CHECK(out.quarantined == 0);
  CHECK(out.findings.empty());
  std::uint64_t bytes = 0;
  for (const auto& path : test::segments_in(t.dir.path()))
    bytes += std::filesystem::file_size(path);
  CHECK(out.bytes == bytes);
}

TEST_CASE("a flipped byte is one finding, at its line") {
  for (std::size_t line : {0, 1, 5, 10, 11, 12}) {
    tampering t;
    t.stored[line][20] ^= 1;
    t.expect(breach::damaged_line, line + 1);
  }
}

TEST_CASE("a flipped byte with its CRC put right is a changed line") {
  for (std::size_t line : {0, 1, 5, 10, 11, 12}) {
    tampering t;
    auto hmac = t.stored[line].substr(t.stored[line].rfind('\t'));
    auto json = t.stored[line].substr(0, t.stored[line].find('\t'));
    json[json.find("2026") + 3] = '7';
    auto crc_only = t.how;
    crc_only.integrity = wal::integrity_mode::crc32;
    std::string forged;
    wal::line_encoder(*test::format_for(crc_only), t.middle).append_line(forged, json);
    forged.pop_back();
    t.stored[line] = forged + hmac;
    t.expect(breach::changed_line, line + 1);
    t.how.accept_unsigned = false;
    check_finding(t.how, breach::changed_line, t.middle, line + 1);
    t.how.accept_unsigned = true;
    // Without the HMAC it would pass for a line from before the mode was switched on.
    t.stored[line] = forged;
    t.expect(breach::changed_line, line + 1);
  }
}

TEST_CASE("a line without its HMAC is a changed line in strict mode, and else as good as before") {
  for (std::size_t line : {0, 5, 11}) {
    tampering t;
    t.stored[line] = stripped(t.stored[line]);
    t.write();
    check_clean(t.how);
    t.how.accept_unsigned = false;
    check_finding(t.how, breach::changed_line, t.middle, line + 1);
  }
}

TEST_CASE("a seal without its HMAC is a changed line in every mode") {
  tampering t;
  t.stored[12] = stripped(t.stored[12]);
  t.expect(breach::changed_line, 13);
}

TEST_CASE("a removed line is told at the line that follows it") {
  for (std::size_t line = 0; line < 11; ++line) {
    tampering t;
    t.stored.erase(t.stored.begin() + static_cast<std::ptrdiff_t>(line));
    t.expect(breach::removed_line, line + 1);
  }
}

TEST_CASE("several removed lines in a row are one finding") {
  for (std::ptrdiff_t line : {0, 3, 8}) {
    tampering t;
    t.stored.erase(t.stored.begin() + line, t.stored.begin() + line + 3);
    t.expect(breach::removed_line, static_cast<std::uint64_t>(line) + 1);
  }
}

TEST_CASE("two changes in one segment are two findings") {
  tampering t;
  t.stored.erase(t.stored.begin() + 9);
  t.stored.erase(t.stored.begin() + 2);
  t.write();
  auto out = test::verified(t.how);
  INFO(test::told(out));
  REQUIRE(out.findings.size() == 2);
  CHECK(out.findings[0].line == 3);
  CHECK(out.findings[1].line == 9);
}

TEST_CASE("lines cut off before the seal are told at the seal") {
  for (std::size_t kept : {0, 1, 6, 11}) {
    tampering t;
    t.stored.erase(t.stored.begin() + static_cast<std::ptrdiff_t>(kept), t.stored.begin() + 12);
    t.expect(breach::cut_off, kept + 1);
  }
}

TEST_CASE("a segment whose end is cut off with its seal has no seal") {
  for (std::size_t kept : {0, 1, 6, 11, 12}) {
    tampering t;
    t.stored.resize(kept);
    t.expect(breach::missing_seal, 0);
  }
}

TEST_CASE("a segment that is cut anywhere is never clean") {
  tampering t;
  for (const auto& segment : {t.first, t.middle, t.last}) {
    const auto bytes = test::read_file(t.log.path(segment));
    // Without the last newline the seal is still whole.
    for (std::size_t size = 0; size < bytes.size() - 1; size += 7) {
      test::write_file(t.log.path(segment), bytes.substr(0, size));
      auto out = test::verified(t.how);
      INFO(size << test::told(out));
      REQUIRE(out.breaches > 0);
      CHECK(out.findings.front().segment == segment);
    }
    test::write_file(t.log.path(segment), bytes);
  }
}

TEST_CASE("two lines that have changed places are one finding, at the first") {
  for (std::size_t line = 0; line < 11; ++line) {
    tampering t;
    std::swap(t.stored[line], t.stored[line + 1]);
    t.expect(breach::moved_line, line + 1);
  }
}

TEST_CASE("a line that was moved far is one finding, at the first place that differs") {
  tampering t;
  const auto original = t.stored;
  for (std::ptrdiff_t from = 0; from < 12; ++from)
    for (std::ptrdiff_t to = 0; to < 12; ++to) {
      if (from == to) continue;
      t.stored = original;
      t.stored.erase(t.stored.begin() + from);
      t.stored.insert(t.stored.begin() + to, original[static_cast<std::size_t>(from)]);
      INFO(from << " " << to);
      t.expect(breach::moved_line, static_cast<std::uint64_t>(std::min(from, to)) + 1);
    }
}

TEST_CASE("a line moved behind the seal has moved") {
  tampering t;
  std::swap(t.stored[11], t.stored[12]);
  t.write();
  auto out = test::verified(t.how);
  INFO(test::told(out));
  REQUIRE(out.breaches > 0);
  CHECK(out.findings.front().segment == t.middle);
  CHECK(out.findings.front().line == 12);
  CHECK(out.findings.front().what == breach::moved_line);
}

TEST_CASE("a line that stands twice is told at the second place") {
  for (std::ptrdiff_t from : {0, 5, 10, 11})
    for (std::ptrdiff_t to : {from + 1, std::ptrdiff_t{12}}) {
      tampering t;
      auto line = t.stored[static_cast<std::size_t>(from)];
      t.stored.insert(t.stored.begin() + to, line);
      INFO(from << " " << to);
      t.expect(breach::repeated_line, static_cast<std::uint64_t>(to) + 1);
    }
}

TEST_CASE("a copy before its original is an added line") {
  tampering t;
  t.stored.insert(t.stored.begin() + 2, t.stored[9]);
  t.expect(breach::added_line, 3);
}

TEST_CASE("a line from another segment is an added line") {
  for (std::ptrdiff_t to : {0, 1, 6, 11, 12}) {
    tampering t;
    t.stored.insert(t.stored.begin() + to, read_lines(t.log.path(t.first))[3]);
    t.expect(breach::added_line, static_cast<std::uint64_t>(to) + 1);
  }
}

TEST_CASE("a line behind the seal that ends a segment is an added line") {
  tampering t;
  t.stored.push_back(read_lines(t.log.path(t.first))[3]);
  t.expect(breach::added_line, 14);
}

TEST_CASE("a line in the place of another one is a changed line") {
  for (std::size_t line : {0, 6, 11}) {
    tampering t;
    t.stored[line] = read_lines(t.log.path(t.first))[3];
    t.expect(breach::changed_line, line + 1);
  }
}

TEST_CASE("a seal that fits its tags but not the lines says that the lines can't be told") {
  tampering t;
  auto format = test::format_for(t.how);
  auto entry = *core::parse_entry(t.stored[12].substr(0, t.stored[12].find('\t')));
  auto seal = *wal::parse_seal(entry);
  std::swap(seal.value.front(), seal.value.back());
  if (seal.value.front() == seal.value.back()) seal.value.front() ^= 1;
  std::string json;
  wal::append_json(json, seal, "2026-01-01T00:00:00Z");
  t.stored[12] = t.log.line_for(t.middle, json);
  t.write();
  auto out = test::verified(t.how);
  INFO(test::told(out));
  REQUIRE_FALSE(out.findings.empty());
  CHECK(out.findings.front().what == breach::changed_line);
  CHECK(out.findings.front().segment == t.middle);
  CHECK(out.findings.front().line == 0);
}

TEST_CASE("settling leaves a log clean, whatever has become of the entries") {
  tampering t;
  const lines before = t.stored;
  const std::vector<std::string> words{"DELIVERED", "PERMANENT_FAILURE", "REDRIVEN", "PURGED"};
  for (std::size_t i = 0; i < 12; ++i)
    t.stored[i] = t.log.settled(t.middle, before[i], words[i % 4], i % 4 != 0 && i > 4);
  t.write();
  check_clean(t.how);
  // And shows as much as before.
  std::swap(t.stored[4], t.stored[5]);
  t.expect(breach::moved_line, 5);
  std::swap(t.stored[4], t.stored[5]);
  t.stored.erase(t.stored.begin() + 7);
  t.expect(breach::removed_line, 8);
}

TEST_CASE("an encrypted log is checked like a plain one") {
  temp_dir dir;
  auto how = test::encrypted_options(dir.path());
  sealed_log log(how);
  auto first = log.sealed_segment(8), second = log.sealed_segment(8);
  check_clean(how);
  const auto stored = read_lines(log.path(second));  // line 1 is the header
  auto with = [&](lines changed, breach what, std::uint64_t line) {
    write_lines(log.path(second), changed);
    check_finding(how, what, second, line);
  };
  auto changed = stored;
  changed.erase(changed.begin() + 4);
  with(changed, breach::removed_line, 5);
  changed = stored;
  std::swap(changed[4], changed[5]);
  with(changed, breach::moved_line, 5);
  changed = stored;
  changed.insert(changed.begin() + 8, changed[3]);
  with(changed, breach::repeated_line, 9);
  changed = stored;
  changed.insert(changed.begin() + 3, read_lines(log.path(first))[2]);
  with(changed, breach::damaged_line, 4);  // a line can't be decrypted in another file
  changed = stored;
  changed.resize(6);
  with(changed, breach::missing_seal, 0);
  changed = stored;
  for (std::size_t i = 1; i < 9; ++i) changed[i] = log.settled(second, changed[i], "DELIVERED");
  write_lines(log.path(second), changed);
  check_clean(how);

  how.encryption.keys = {std::string(32, 'x')};
  auto refused = wal::verify(how);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::bad_config);
}

TEST_CASE("the place of a line that a repair has taken out stands for one line or for none") {
  const std::string json =
      R"({"version":2,"status":"QUARANTINED","timestamp":"2026-01-01T00:00:00Z",)"
      R"("entry_type":"quarantined","line_bytes":20,"crc32":"01234567","reason":"CRC"})";
  for (std::size_t line : {0, 1, 6, 11, 12}) {
    tampering t;
    auto placeholder = t.log.line_for(t.middle, json);
    const auto original = t.stored;
    t.stored[line] = placeholder;
    t.write();
    check_clean(t.how);
    CHECK(test::verified(t.how).quarantined == 1);
    t.stored = original;
    t.stored.insert(t.stored.begin() + static_cast<std::ptrdiff_t>(line), placeholder);
    t.write();
    check_clean(t.how);
    // It hides nothing else.
    t.stored = original;
    t.stored[line] = placeholder;
    if (line < 5) {
      t.stored.erase(t.stored.begin() + 8);
      t.expect(breach::removed_line, 9);
    }
    // Only who has the key may say that a line was taken out.
    t.stored = original;
    t.stored[line] = stripped(placeholder);
    t.write();
    CHECK(test::verified(t.how).breaches > 0);
  }
}

TEST_CASE("the list of findings ends at a thousand, the number does not") {
  temp_dir dir;
  auto how = signed_options(dir.path());
  sealed_log log(how);
  auto name = log.sealed_segment(1500);
  auto stored = read_lines(log.path(name));
  for (std::size_t i = 0; i < 1200; ++i) stored[i][15] ^= 1;
  write_lines(log.path(name), stored);
  auto out = test::verified(how);
  CHECK(out.breaches == 1200);
  REQUIRE(out.findings.size() == 1000);
  CHECK(out.findings.front().line == 1);
  CHECK(out.findings.back().line == 1000);
}

/// One change of one kind at a random place of `stored`, whose last line is a seal; returns the
/// line, counted from 1, where the log stops being what was written.
std::uint64_t tamper(lines& stored, const lines& other, int kind, std::mt19937_64& random) {
  auto below = [&](std::size_t end) { return static_cast<std::ptrdiff_t>(random() % end); };
  const auto entries = stored.size() - 1;
  const auto at = below(entries);
  auto& line = stored[static_cast<std::size_t>(at)];
  auto told = static_cast<std::uint64_t>(at) + 1;
  switch (kind) {
    case 0: {
      // Not the bit that tells capital letters: either case of an HMAC is the same HMAC.
      auto& byte = line[static_cast<std::size_t>(below(line.size()))];
      do byte = static_cast<char>(byte ^ (1 << below(5)));
      while (byte == '\n');
      break;
    }
    case 1:
      stored.erase(stored.begin() + at);
      break;
    case 2: {
      auto to = below(entries);
      while (to == at) to = below(entries);
      auto moved = line;
      stored.erase(stored.begin() + at);
      stored.insert(stored.begin() + to, moved);
      told = static_cast<std::uint64_t>(std::min(at, to)) + 1;
      break;
    }
    case 3: {
      auto copy = line;
      const auto to = at + 1 + below(entries - static_cast<std::size_t>(at));
      stored.insert(stored.begin() + to, copy);
      told = static_cast<std::uint64_t>(to) + 1;
      break;
    }
    case 4:
      stored.insert(stored.begin() + at, other[static_cast<std::size_t>(below(entries))]);
      break;
    case 5:
      stored.erase(stored.begin() + at, stored.end() - 1);
      break;
    case 6:
      line = other[static_cast<std::size_t>(below(entries))];
      break;
  }
  return told;
}

TEST_CASE("any one change at any place is told at its line") {
  const std::uint64_t seed = 20260405;
  std::mt19937_64 random(seed);
  temp_dir dir;
  for (bool encrypted : {false, true}) {
    auto how = encrypted ? test::encrypted_options(dir / "e") : signed_options(dir / "p");
    std::filesystem::create_directories(how.directory);
    sealed_log log(how);
    auto other = read_lines(log.path(log.sealed_segment(60)));
    auto name = log.sealed_segment(60);
    auto original = read_lines(log.path(name));
    std::string header;
    if (encrypted) {
      header = original.front() + "\n";
      original.erase(original.begin());
      other.erase(other.begin());
    }
    for (int round = 0; round < 350; ++round) {
      auto stored = original;
      auto expected = tamper(stored, other, round % 7, random) + (encrypted ? 1 : 0);
      test::write_file(log.path(name), header + test::bytes_from(stored));
      auto out = test::verified(how);
      INFO("seed " << seed << ", round " << round << (encrypted ? ", encrypted: " : ": ")
                   << test::told(out));
      REQUIRE(out.breaches == 1);
      CHECK(out.findings.front().segment == name);
      CHECK(out.findings.front().line == expected);
    }
  }
}

}  // namespace
