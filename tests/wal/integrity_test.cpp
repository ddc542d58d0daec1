// Lines under attack and by accident: what is delivered, counted, reported, and left alone.
#include <string>
#include <vector>

#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"
#include "wal/format.hpp"
#include "wal/inspect.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string key = "01234567890123456789012345678901";

wal::options mac_options(const std::string& directory) {
  auto how = options_for(directory);
  how.integrity = wal::integrity_mode::mac;
  how.mac_key = key;
  return how;
}

std::vector<std::string> lines_in(const std::string& path) {
  std::vector<std::string> lines;
  auto text = read_file(path);
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == text.npos ? text.size() : end + 1;
  }
  return lines;
}

void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  write_file(path, text);
}

/// The line with another payload and a CRC that fits it; the HMAC stays.
std::string tampered(const std::string& line) {
  auto tab = line.find('\t');
  auto json = line.substr(0, tab);
  json.replace(json.find("content"), 7, "CONTENT");
  std::string out;
  out += test::line_of(json);
  out.pop_back();
  auto second = line.find('\t', tab + 1);
  return second == line.npos ? out : out + line.substr(second);
}

/// A directory with ten signed entries in one segment; returns the segment's path.
std::string ten_signed(const std::string& directory) {
  append_ids(*open_log(mac_options(directory)), ids_from("p", 10));
  REQUIRE(segments_in(directory).size() == 1);
  return segments_in(directory)[0];
}

}  // namespace

TEST_CASE("mode mac writes three fields, and mode crc32 two") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  for (const auto& line : lines_in(path)) {
    CHECK(std::count(line.begin(), line.end(), '\t') == 2);
    CHECK(line.size() - line.rfind('\t') - 1 == 64);
  }
  CHECK(read_as_reference(dir / "wal", key).pending == ids_from("p", 10));
}

TEST_CASE("mode mac without a key does not open") {
  temp_dir dir;
  auto how = mac_options(dir / "wal");
  how.mac_key.clear();
  CHECK(wal::log::open(how).reason().code == core::errc::bad_config);
  CHECK(wal::inspect(how, wal::selection::none, {}, [](std::string_view) {}).reason().code ==
        core::errc::bad_config);
}

TEST_CASE(
    "a changed line with a CRC made to fit is found, counted, reported with its place, and not "
    "delivered") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  auto lines = lines_in(path);
  lines[4] = tampered(lines[4]);
  write_lines(path, lines);
  auto how = mac_options(dir / "wal");
  std::vector<wal::security_event> events;
  how.on_security_event = [&](const wal::security_event& event) { events.push_back(event); };
  auto log = open_log(how);
  CHECK(replayed_ids(*log).size() == 9);
  CHECK(log->integrity_failures() == 1);
  CHECK(log->crc_failures() == 0);
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "wal_tamper_detected");
  CHECK(events[0].segment_file == path);
  CHECK(events[0].line_number == 5);
}

TEST_CASE("a damaged CRC is a CRC failure, never a tampering") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  auto lines = lines_in(path);
  lines[4][20] = static_cast<char>(lines[4][20] ^ 1);
  write_lines(path, lines);
  auto how = mac_options(dir / "wal");
  int events = 0;
  how.on_security_event = [&](const wal::security_event&) { ++events; };
  auto log = open_log(how);
  CHECK(replayed_ids(*log).size() == 9);
  CHECK(log->crc_failures() == 1);
  CHECK(log->integrity_failures() == 0);
  CHECK(events == 0);
}

TEST_CASE("settling never signs a damaged line anew: it stays byte for byte") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  auto lines = lines_in(path);
  lines[2][20] = static_cast<char>(lines[2][20] ^ 1);  // CRC
  lines[4] = tampered(lines[4]);                       // HMAC
  lines[6] = "torn";
  lines.insert(lines.begin() + 7, "");
  lines.insert(lines.begin() + 8, std::string("\x01\x02 not text"));
  write_lines(path, lines);
  std::vector<std::string> all = ids_from("p", 10);
  {
    auto log = open_log(mac_options(dir / "wal"));
    CHECK(log->mark_delivered("p2").reason().code == core::errc::not_found);
    CHECK(log->mark_delivered("p4").reason().code == core::errc::not_found);
    REQUIRE(log->mark_delivered_batch(all).ok());
  }
  auto after = lines_in(path);
  REQUIRE(after.size() == lines.size());
  for (std::size_t i : {2u, 4u, 6u, 7u, 8u}) CHECK(after[i] == lines[i]);
  auto view = read_as_reference(dir / "wal", key);
  CHECK(view.pending.empty());
  std::erase_if(view.lines, [](const auto& line) { return line.status == "SEAL"; });
  CHECK(view.lines.size() == 7);
  for (const auto& line : view.lines) CHECK(line.status == "DELIVERED");
}

TEST_CASE("marking gives a line a fresh CRC and a fresh HMAC, for both outcomes") {
  temp_dir dir;
  ten_signed(dir / "wal");
  {
    auto log = open_log(mac_options(dir / "wal"));
    for (std::string id : {"p0", "p1", "p2"}) REQUIRE(log->mark_delivered(id).ok());
    REQUIRE(log->mark_permanent_failure("p3", "no").ok());
  }
  auto view = read_as_reference(dir / "wal", key);
  CHECK(view.damaged == 0);
  REQUIRE(view.lines.size() == 11);
  CHECK(view.lines.back().status == "SEAL");
  view.lines.pop_back();
  for (const auto& line : view.lines) CHECK((line.has_hmac && line.canonical));
  CHECK(view.lines[2].status == "DELIVERED");
  CHECK(view.lines[3].status == "PERMANENT_FAILURE");
  CHECK(ids_after_reopen(mac_options(dir / "wal")).size() == 6);
}

TEST_CASE(
    "lines from before mode mac are taken beside signed ones, and are damage in strict mode") {
  temp_dir dir;
  append_ids(*open_log(dir / "wal"), ids_from("old", 3));
  append_ids(*open_log(mac_options(dir / "wal")), {"new"});
  CHECK(ids_after_reopen(mac_options(dir / "wal")) ==
        std::vector<std::string>{"old0", "old1", "old2", "new"});
  auto strict = mac_options(dir / "wal");
  strict.accept_unsigned = false;
  int events = 0;
  strict.on_security_event = [&](const wal::security_event&) { ++events; };
  auto log = open_log(strict);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"new"});
  CHECK(log->integrity_failures() == 3);
  CHECK(events == 0);
}

TEST_CASE("a line whose HMAC was stripped is not delivered in strict mode") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  auto lines = lines_in(path);
  lines[4] = tampered(lines[4]);
  lines[4].resize(lines[4].rfind('\t'));
  write_lines(path, lines);
  auto strict = mac_options(dir / "wal");
  strict.accept_unsigned = false;
  auto log = open_log(strict);
  CHECK(replayed_ids(*log).size() == 9);
  CHECK(log->integrity_failures() == 1);
}

TEST_CASE("a forged status line without a fitting HMAC marks nothing") {
  temp_dir dir;
  auto path = ten_signed(dir / "wal");
  auto lines = lines_in(path);
  std::string forged;
  auto forger = options_for(dir / "wal");
  forger.integrity = wal::integrity_mode::mac;
  forger.mac_key = "another key";
  forged += test::line_of(
      R"({"version":2,"status":"STATUS","entry_type":"status","mark":"DELIVERED","ids":["p1","p2"]})",
      forger);
  forged.pop_back();
  lines.push_back(forged);
  write_lines(path, lines);
  CHECK(ids_after_reopen(mac_options(dir / "wal")) == ids_from("p", 10));
}

TEST_CASE("segments rotate in mode mac, and every line in them is signed") {
  temp_dir dir;
  auto how = mac_options(dir / "wal");
  how.max_segment_size_mb = 1;
  {
    auto log = open_log(how);
    for (const auto& id : ids_from("p", 10)) {
      auto value = make_entry(id);
      value.payload = "\"" + std::string(200'000, 'm') + "\"";
      REQUIRE(log->append(value).ok());
    }
  }
  auto view = read_as_reference(dir / "wal", key);
  CHECK(segments_in(dir / "wal").size() == 2);
  CHECK(view.pending == ids_from("p", 10));
  for (const auto& line : view.lines) CHECK(line.has_hmac);
}

TEST_CASE("corrupted lines cost themselves only: one of ten, three of twenty") {
  for (auto [count, broken] : {std::pair{10, 1}, std::pair{20, 3}}) {
    temp_dir dir;
    append_ids(*open_log(dir / "wal"), ids_from("p", count));
    auto path = segments_in(dir / "wal")[0];
    auto lines = lines_in(path);
    for (int i = 0; i < broken; ++i) {
      auto& victim = lines[static_cast<std::size_t>(3 + 5 * i)];
      victim[victim.size() / 2] = static_cast<char>(victim[victim.size() / 2] ^ 4);
    }
    write_lines(path, lines);
    auto log = open_log(dir / "wal");
    CHECK(replayed_ids(*log).size() == static_cast<std::size_t>(count - broken));
    CHECK(log->crc_failures() == static_cast<std::uint64_t>(broken));
    log.reset();
    auto seen =
        wal::inspect(options_for(dir / "wal"), wal::selection::none, {}, [](std::string_view) {});
    REQUIRE(seen.ok());
    REQUIRE(seen->first_damage);
    CHECK(seen->first_damage->line == 4);
    CHECK(seen->crc_failures == static_cast<std::uint64_t>(broken));
  }
}

TEST_CASE(
    "a line that changes while the log is open is noticed when it is read, dropped and counted") {
  temp_dir dir;
  auto log = open_log(dir / "wal");
  append_ids(*log, ids_from("p", 3));
  auto path = segments_in(dir / "wal")[0];
  auto bytes = read_file(path);
  bytes[bytes.find("\"p1\"") + 1] = 'x';
  write_file(path, bytes);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"p0", "p2"});
  CHECK(log->crc_failures() == 1);
  CHECK(log->pending_count() == 2);
}
