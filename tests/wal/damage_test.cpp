// Damage to stored bytes, byte by byte: opening always succeeds, costs only what is damaged, and
// keeps a copy of it.
#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/proof/proof_size.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"
#include "wal/format.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string segment = "wal-1795000000000000000.jsonl";

std::string json_of(const std::string& id) {
  auto value = make_entry(id, "key of " + id);
  value.timestamp = "2026-01-01T00:00:00Z";
  value.status = "PENDING";
  std::string json;
  REQUIRE(core::append_json(json, value).ok());
  return json;
}

/// The lines of a segment with these entries, as the log writes them.
std::vector<std::string> lines_of(const std::vector<std::string>& ids, const wal::options& how) {
  auto format = wal::line_format::make(how);
  REQUIRE(format.ok());
  wal::line_encoder encoder(**format, segment);
  std::vector<std::string> lines;
  std::string header;
  encoder.append_header(header, "2026-01-01T00:00:00Z");
  if (!header.empty()) lines.push_back(header);
  for (const auto& id : ids) encoder.append_line(lines.emplace_back(), json_of(id));
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const auto& line : lines) all += line;
  return all;
}

std::vector<std::string> first_of(const std::vector<std::string>& lines, std::size_t count) {
  return {lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// What of the original lines still stands in damaged bytes: told apart by newlines, with the NUL
/// bytes in front of a line taken for space that was never written.
std::vector<std::string> ids_left(const std::string& bytes, const std::vector<std::string>& lines,
                                  const std::vector<std::string>& ids) {
  std::vector<std::string> left;
  const auto headers = lines.size() - ids.size();
  for (std::size_t at = 0; at < bytes.size();) {
    auto end = std::min(bytes.find('\n', at), bytes.size());
    auto line = bytes.substr(at, end - at);
    line.erase(0, std::min(line.find_first_not_of('\0'), line.size()));
    if (end == bytes.size()) line.resize(line.find_last_not_of('\0') + 1);
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (line + "\n" == lines[headers + i] && std::count(left.begin(), left.end(), ids[i]) == 0)
        left.push_back(ids[i]);
    at = end + 1;
  }
  return left;
}

/// The bytes of all copies in the quarantine, sorted.
std::vector<std::string> quarantined(const std::string& directory) {
  std::vector<std::string> found;
  auto bytes = read_file(directory + "/quarantine/" + segment);
  for (std::size_t at = 0, end; (end = bytes.find('\n', at)) != bytes.npos; at = end + 1) {
    std::string data;
    auto read =
        core::json::for_each_member(std::string_view(bytes).substr(at, end - at),
                                    [&](const core::json::member& one) -> core::result<void> {
                                      if (one.key == "\"data\"")
                                        data = core::json::unquote(one.value);
                                      return {};
                                    });
    REQUIRE(read.ok());
    std::string raw(data.size(), '\0');
    std::size_t size = 0;
    REQUIRE(sodium_base642bin(reinterpret_cast<unsigned char*>(raw.data()), raw.size(), data.data(),
                              data.size(), nullptr, &size, nullptr,
                              sodium_base64_VARIANT_ORIGINAL) == 0);
    raw.resize(size);
    found.push_back(raw);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// A directory with one segment.
struct bench {
  bench() {
    how = options_for(dir / "wal");
    how.max_segment_size_mb = 1;
    how.reserve_bytes = 0;
    how.retain_delivered_hours = -1;
  }
  void store(const std::string& bytes) {
    std::filesystem::remove_all(dir / "wal");
    write_file(dir / ("wal/" + segment), bytes);
    files = std::make_unique<failing_files>(dir / "wal");  // for its speed
    how.files = files.get();
  }
  temp_dir dir;
  std::unique_ptr<failing_files> files;
  wal::options how;
};

std::uint64_t damage_of(const wal::counters& stats) {
  return stats.crc_failures + stats.integrity_failures + stats.torn_lines + stats.malformed_lines +
         stats.sentinel_failures + stats.undecodable_lines;
}

/// A newest segment that ends as a running log leaves it.
const std::string unused_space(8192, '\0');

const std::vector<std::string> ids = {"first", "second", "third", "fourth"};

}  // namespace

TEST_CASE(
    "a flipped bit in a closed segment costs its line, which is kept in the quarantine once") {
  for (auto mode : {wal::integrity_mode::crc32, wal::integrity_mode::mac}) {
    bench at;
    at.how.integrity = mode;
    at.how.mac_key = "key";
    at.how.accept_unsigned = false;
    const auto lines = lines_of(ids, at.how);
    const auto whole = joined(lines);
    for (std::size_t i = 0; i < whole.size(); i += proof_divisor())
      for (int flip : {0x01, 0x80}) {
        auto bytes = whole;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        at.store(bytes);
        INFO("byte " << i << " of " << whole.size() << " flipped by " << flip);
        const auto left = ids_left(bytes, lines, ids);
        {
          auto log = open_log(at.how);
          CHECK(replayed_ids(*log) == left);
          CHECK(damage_of(log->stats()) == 1);
          append_ids(*log, {"next"});
        }
        // Without its last newline a line is taken for a write that was cut off.
        const bool is_cut = i + 1 == whole.size();
        auto start = whole.rfind('\n', i == 0 ? 0 : i - 1);
        start = i == 0 || start == whole.npos ? 0 : start + 1;
        auto end = bytes.find('\n', start);
        const auto damaged = bytes.substr(start, end - start);
        const std::vector<std::string> kept{damaged};
        CHECK(quarantined(at.dir / "wal") == kept);
        if (i % 16 != 0 && !is_cut) continue;
        for (int again = 0; again < 3; ++again) {
          auto log = open_log(at.how);
          auto expected = left;
          expected.push_back("next");
          CHECK(replayed_ids(*log) == expected);
          CHECK(log->stats().quarantined == 0);
          CHECK(damage_of(log->stats()) == (is_cut ? 0 : 1));
        }
        CHECK(quarantined(at.dir / "wal") == kept);
      }
  }
}

TEST_CASE("each kind of damage is counted as what it is") {
  bench at;
  at.how.integrity = wal::integrity_mode::mac;
  at.how.mac_key = "key";
  auto lines = lines_of(ids, at.how);
  std::vector<wal::security_event> events;
  at.how.on_security_event = [&](const wal::security_event& one) { events.push_back(one); };
  auto open_with = [&](const std::string& second) {
    at.store(lines[0] + second + lines[2] + lines[3]);
    auto log = open_log(at.how);
    CHECK(replayed_ids(*log) == std::vector<std::string>{"first", "third", "fourth"});
    CHECK(damage_of(log->stats()) == 1);
    return log->stats();
  };
  auto flipped = [&](std::size_t from_end) {
    auto line = lines[1];
    auto& byte = line[line.size() - 1 - from_end];
    byte = byte == '0' ? '1' : '0';
    return line;
  };
  CHECK(open_with(flipped(66)).crc_failures == 1);
  CHECK(events.empty());
  CHECK(open_with(flipped(1)).integrity_failures == 1);
  REQUIRE(events.size() == 1);
  CHECK(events[0].line_number == 2);
  CHECK(open_with(lines[1].substr(0, 20) + "\n").torn_lines == 1);
  std::string no_entry;
  auto format = wal::line_format::make(at.how);
  wal::line_encoder(**format, segment).append_line(no_entry, "[1,2]");
  CHECK(open_with(no_entry).malformed_lines == 1);
}

TEST_CASE("a sector that was lost within an HMAC or right behind it is a torn write, no tampering") {
  bench at;
  at.how.integrity = wal::integrity_mode::mac;
  at.how.mac_key = "key";
  at.how.on_security_event = [](const wal::security_event&) { FAIL("an alarm"); };
  const auto lines = lines_of(ids, at.how);
  const std::string hole(100, '\0');
  const auto before = lines[0].size() + lines[1].size();
  for (std::size_t from = before - 65; from < before; ++from) {  // 64 digits and the newline
    INFO(before - from << " bytes of the second line are lost");
    auto bytes = joined(lines);
    at.store(bytes.replace(from, hole.size(), hole));
    auto log = open_log(at.how);
    CHECK(replayed_ids(*log) == std::vector<std::string>{"first", "fourth"});
    CHECK(log->stats().torn_lines == 1);
    CHECK(damage_of(log->stats()) == 1);
  }
}

TEST_CASE("a flipped bit in an encrypted line costs that line, and one in the header no start") {
  bench at;
  at.how.encryption = {true, wal::cipher::xchacha20_poly1305, {std::string(32, 'k')}};
  const auto lines = lines_of(ids, at.how);
  REQUIRE(lines.size() == ids.size() + 1);
  const auto whole = joined(lines);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    at.store(bytes);
    INFO("byte " << i << " of " << whole.size() << ", the header has " << lines[0].size());
    auto log = open_log(at.how);
    auto left = replayed_ids(*log);
    if (i >= lines[0].size()) CHECK(left == ids_left(bytes, lines, ids));
    for (const auto& id : left) CHECK(std::count(ids.begin(), ids.end(), id) == 1);
    CHECK(damage_of(log->stats()) >= 1);
    append_ids(*log, {"next"});
    log.reset();
    CHECK(ids_after_reopen(at.how).back() == "next");
  }
}

TEST_CASE("a file that was cut at any byte keeps all whole lines, and the rest is torn") {
  bench at;
  const auto lines = lines_of(ids, at.how);
  const auto whole = joined(lines);
  for (const auto& space : {std::string(), unused_space})
    for (std::size_t cut = 0; cut <= whole.size(); cut += proof_divisor()) {
      auto bytes = whole.substr(0, cut);
      at.store(bytes + space);
      INFO("cut at " << cut << ", space behind it: " << space.size());
      auto expected = ids_left(bytes + "\n", lines, ids);  // a line may lack its newline
      const auto whole_lines =
          static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      const bool is_torn = !bytes.ends_with('\n') && expected.size() == whole_lines;
      {
        auto log = open_log(at.how);
        CHECK(replayed_ids(*log) == expected);
        // Neither at the end of a line nor just before its newline.
        const bool is_whole = bytes == joined(first_of(lines, expected.size())) ||
                              bytes + "\n" == joined(first_of(lines, expected.size()));
        CHECK(log->stats().torn_lines == (is_whole ? 0 : 1));
        CHECK(damage_of(log->stats()) == log->stats().torn_lines);
        append_ids(*log, {"next"});
      }
      expected.push_back("next");
      auto log = open_log(at.how);
      CHECK(replayed_ids(*log) == expected);
      CHECK(damage_of(log->stats()) == 0);
      // A line of which only the checks are not complete might have been whole once.
      const auto piece = bytes.substr(bytes.rfind('\n') + 1);
      const bool is_copied = is_torn && piece.find('\t') != piece.npos;
      CHECK(quarantined(at.dir / "wal").size() == (is_copied ? 1 : 0));
    }
}

TEST_CASE("sectors of the tail that were never written are torn writes, not damage") {
  bench at;
  std::vector<std::string> many;
  for (int i = 0; i < 12; ++i) many.push_back("entry number " + std::to_string(i));
  const auto lines = lines_of(many, at.how);
  const auto whole = joined(lines);
  REQUIRE(whole.size() > 6 * 512);
  for (std::size_t from = 0; from < whole.size(); from += 512)
    for (std::size_t sectors : {1u, 2u, 100u}) {
      auto bytes = whole;
      auto size = std::min(sectors * 512, whole.size() - from);
      bytes.replace(from, size, std::string(size, '\0'));
      at.store(bytes + unused_space);
      INFO(sectors << " sectors of zeros from " << from);
      auto expected = ids_left(bytes, lines, many);
      CHECK(expected.size() < many.size());
      {
        auto log = open_log(at.how);
        CHECK(replayed_ids(*log) == expected);
        CHECK(log->stats().torn_lines == damage_of(log->stats()));
        append_ids(*log, {"next"});
      }
      expected.push_back("next");
      CHECK(ids_after_reopen(at.how) == expected);
    }
}

TEST_CASE("damage before the last synced note is damage, behind it a write that was cut off") {
  bench at;
  std::string synced;  // as the log writes it: everything before it was on disk
  const auto lines = lines_of(ids, at.how);
  const auto before = lines[0] + lines[1];
  auto format = wal::line_format::make(at.how);
  wal::line_encoder(**format, segment)
      .append_line(synced, R"({"version":2,"status":"STATUS","timestamp":"2026-01-01T00:00:00Z",)"
                           R"("entry_type":"synced","offset":)" +
                               std::to_string(before.size()) + "}");
  const auto whole = before + synced + lines[2] + lines[3];
  for (std::size_t i = 0; i < whole.size(); ++i) {
    // A note that is damaged, or follows a newline that is, says nothing.
    if (i + 1 >= before.size() && i < before.size() + synced.size()) continue;
    auto bytes = whole;
    bytes[i] = static_cast<char>(bytes[i] ^ 1);
    at.store(bytes + unused_space);
    INFO("byte " << i << ", synced " << before.size());
    auto log = open_log(at.how);
    auto stats = log->stats();
    CHECK(damage_of(stats) == 1);
    if (i >= before.size()) {
      CHECK(stats.torn_lines == 1);
    } else {
      // Without its tab it is a piece of a line by its own looks.
      const bool looks_torn = whole[i] == '\t';
      CHECK(stats.torn_lines == (looks_torn ? 1 : 0));
      CHECK(quarantined(at.dir / "wal").size() == 1);
    }
    CHECK(replayed_ids(*log) == ids_left(bytes, lines, ids));
  }
}

TEST_CASE(
    "what was not whole behind the synced bytes is kept in the quarantine unless it is last") {
  bench at;
  const auto lines = lines_of(ids, at.how);
  auto second = lines[1];
  second[10] ^= 1;
  at.store(lines[0] + second + lines[2] + lines[3].substr(0, 50) + unused_space);
  auto log = open_log(at.how);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"first", "third"});
  CHECK(log->stats().torn_lines == 2);
  CHECK(quarantined(at.dir / "wal") == std::vector{second.substr(0, second.size() - 1)});
}

TEST_CASE("lines that stand twice or in another order are no damage in mode crc32") {
  bench at;
  const auto lines = lines_of(ids, at.how);
  at.store(lines[0] + lines[1] + lines[1] + lines[2] + lines[0] + lines[3]);
  {
    auto log = open_log(at.how);
    CHECK(replayed_ids(*log) == ids);
    CHECK(damage_of(log->stats()) == 0);
    CHECK(log->mark_delivered("second").ok());
  }
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"first", "third", "fourth"});
  at.store(lines[3] + lines[1] + lines[0] + lines[2]);
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"fourth", "second", "first", "third"});
  CHECK(quarantined(at.dir / "wal").empty());
}

TEST_CASE("damaged lines survive settling as they are, and their copies outlive the segment") {
  bench at;
  at.how.retain_delivered_hours = 0;
  auto lines = lines_of(ids, at.how);
  lines[1][10] ^= 1;
  const auto damaged = lines[1].substr(0, lines[1].size() - 1);
  at.store(joined(lines));
  {
    auto log = open_log(at.how);
    REQUIRE(log->mark_delivered("first").ok());
    REQUIRE(log->settle().ok());
  }
  CHECK(read_file(at.dir / ("wal/" + segment)).find(damaged) != std::string::npos);
  auto log = open_log(at.how);
  CHECK(log->stats().quarantined == 0);
  for (std::string id : {"third", "fourth"}) REQUIRE(log->mark_delivered(id).ok());
  REQUIRE(log->settle().ok());
  REQUIRE(log->maintain().ok());
  CHECK_FALSE(std::filesystem::exists(at.dir / ("wal/" + segment)));
  CHECK(quarantined(at.dir / "wal") == std::vector{damaged});
}

TEST_CASE("random bytes in place of a segment, or in it, keep nothing from opening") {
  bench at;
  const auto lines = lines_of(ids, at.how);
  std::uint32_t state = 1;
  auto random = [&] { return state = state * 1664525 + 1013904223, state >> 8; };
  for (int round = 0; round < 300; ++round) {
    auto bytes = joined(lines);
    const auto from = random() % bytes.size();
    const auto size = std::min<std::size_t>(random() % 700, bytes.size() - from);
    for (std::size_t i = from; i < from + size; ++i) bytes[i] = static_cast<char>(random());
    at.store(bytes + (round % 2 == 0 ? unused_space : ""));
    INFO("round " << round << ", " << size << " bytes from " << from);
    auto expected = ids_left(bytes, lines, ids);
    {
      auto log = open_log(at.how);
      CHECK(replayed_ids(*log) == expected);
      append_ids(*log, {"next"});
    }
    expected.push_back("next");
    CHECK(ids_after_reopen(at.how) == expected);
  }
}
