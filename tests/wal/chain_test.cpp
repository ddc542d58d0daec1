#include "wal/chain.hpp"

#include <cstring>
#include <filesystem>

#include "tests/support/failing_files.hpp"
#include "tests/wal/chain_support.hpp"
#include "wal/seal_check.hpp"

namespace {

using namespace nexus;
using nexus::test::format_for;
using nexus::test::make_entry;
using nexus::test::temp_dir;

core::entry entry_at(const std::string& id, const std::string& status = "PENDING") {
  auto value = make_entry(id);
  value.timestamp = "2026-01-02T03:04:05.6Z";
  value.status = status;
  return value;
}

std::string json_of(const core::entry& value) {
  return test::sealed_log::json_of(value);
}

/// What entry_mac says of the line that `encoder_of` writes for `json`.
wal::mac_bytes mac_of_line(const wal::options& how, const std::string& json) {
  auto format = format_for(how);
  std::string line;
  wal::line_encoder(*format, "wal-1.jsonl").append_line(line, json);
  line.pop_back();
  wal::raw_line raw;
  raw.text = line;
  wal::line_decoder decoder(*format, "wal-1.jsonl");
  auto scanned = wal::classify(raw, decoder);
  REQUIRE(scanned.kind == wal::line_kind::entry);
  return wal::entry_mac(*format, scanned);
}

wal::seal example() {
  auto format = format_for(test::signed_options("/"));
  wal::chain lines("wal-1.jsonl", std::string(wal::no_seal));
  lines.add(format->mac_of("a"));
  lines.add(format->mac_of("b"));
  return lines.seal_now(*format);
}

TEST_CASE("a seal is the HMAC of segment, previous seal, number and hash of all MACs") {
  // Computed with Python's hmac and hashlib from the description in chain.hpp.
  auto made = example();
  CHECK(made.segment == "wal-1.jsonl");
  CHECK(made.previous == wal::no_seal);
  CHECK(made.lines == 2);
  CHECK(made.tags == "3b7b69ff");
  CHECK(made.value == "0bcdccec54e4806358e8d077f719b6ec7327d37834327de76cbda5142dc81560");
}

TEST_CASE("a seal of no lines is a seal") {
  auto format = format_for(test::signed_options("/"));
  auto made = wal::chain("wal-1.jsonl", std::string(wal::no_seal)).seal_now(*format);
  CHECK(made.lines == 0);
  CHECK(made.tags.empty());
  CHECK(made.value == "b7289683c8142693565dfcf3ee1102b7b49e0f5efee7e40f23eb4cbd2cde949b");
}

TEST_CASE("a seal over too many lines for tags still proves them, and stays a line to be read") {
  auto format = format_for(test::signed_options("/"));
  wal::chain lines("wal-1.jsonl", std::string(wal::no_seal));
  wal::seal_check intact(*format, "wal-1.jsonl"), shortened(*format, "wal-1.jsonl");
  for (std::uint64_t i = 0; i <= wal::tagged_lines_max; ++i) {
    wal::mac_bytes mac{};
    std::memcpy(mac.data(), &i, sizeof(i));
    lines.add(mac);
    intact.add({{}, mac});
    if (i != 7) shortened.add({{}, mac});
  }
  const auto made = lines.seal_now(*format);
  std::string json;
  wal::append_json(json, made, "2026-01-01T00:00:00Z");
  CHECK(json.size() < 1000);
  auto back = wal::parse_seal(*core::parse_entry(json));
  REQUIRE(back);
  CHECK(back->lines == wal::tagged_lines_max + 1);
  intact.add_seal(*back, {});
  CHECK(intact.findings().empty());
  shortened.add_seal(*back, {});
  REQUIRE(shortened.findings().size() == 1);
  CHECK(shortened.findings().front().what == wal::breach::changed_line);
}

TEST_CASE("asking for a seal does not end the chain") {
  auto format = format_for(test::signed_options("/"));
  wal::chain lines("wal-1.jsonl", std::string(wal::no_seal));
  lines.add(format->mac_of("a"));
  auto first = lines.seal_now(*format);
  CHECK(lines.seal_now(*format).value == first.value);
  lines.add(format->mac_of("b"));
  CHECK(lines.lines() == 2);
  CHECK(lines.seal_now(*format).value == example().value);
  CHECK(first.value != example().value);
}

TEST_CASE("a seal line is read back as it was written") {
  auto made = example();
  std::string json;
  wal::append_json(json, made, "2026-01-01T00:00:00Z");
  CHECK(json.starts_with(R"({"version":2,"status":"SEAL","timestamp":"2026-01-01T00:00:00Z",)"
                         R"("entry_type":"seal","segment":"wal-1.jsonl","previous":"0000)"));
  auto entry = core::parse_entry(json);
  REQUIRE(entry.ok());
  auto back = wal::parse_seal(*entry);
  REQUIRE(back);
  CHECK(back->segment == made.segment);
  CHECK(back->previous == made.previous);
  CHECK(back->lines == made.lines);
  CHECK(back->tags == made.tags);
  CHECK(back->value == made.value);
}

TEST_CASE("a seal line with a member missing or malformed is none") {
  auto made = example();
  std::string json;
  wal::append_json(json, made, "2026-01-01T00:00:00Z");
  auto with = [&](std::string from, const std::string& to) {
    auto changed = json;
    auto at = changed.find(from);
    REQUIRE(at != changed.npos);
    changed.replace(at, from.size(), to);
    auto entry = core::parse_entry(changed);
    REQUIRE(entry.ok());
    return wal::parse_seal(*entry).has_value();
  };
  CHECK(with("2026", "2025"));
  CHECK_FALSE(with(R"("entry_type":"seal")", R"("entry_type":"status")"));
  CHECK_FALSE(with(R"("segment":"wal-1.jsonl",)", ""));
  CHECK_FALSE(with(R"("segment":"wal-1.jsonl")", R"("segment":"")"));
  CHECK_FALSE(with(R"("previous":"0)", R"("previous":"x)"));
  CHECK_FALSE(with(R"("previous":"00)", R"("previous":"0)"));
  CHECK_FALSE(with(R"("lines":2)", R"("lines":3)"));
  CHECK_FALSE(with(R"("lines":2)", R"("lines":-2)"));
  CHECK_FALSE(with(R"("lines":2)", R"("lines":18446744073709551615)"));
  CHECK_FALSE(with(R"("lines":2)", R"("lines":4611686018427387906)"));  // times 4 it would be 8
  CHECK_FALSE(with(R"("lines":2,)", ""));
  CHECK_FALSE(with(made.tags, made.tags + "0"));
  CHECK_FALSE(with(R"("seal":")", R"("seal":"00)"));
  CHECK_FALSE(with(made.value, "null"));
}

TEST_CASE("the MAC of an entry is the same whatever settling has made of its line") {
  auto how = test::signed_options("/");
  auto format = format_for(how);
  auto appended = entry_at("a");
  auto mac = format->mac_of(json_of(appended));
  CHECK(mac_of_line(how, json_of(appended)) == mac);
  for (auto status : {"DELIVERED", "PERMANENT_FAILURE", "REDRIVEN", "PURGED"})
    CHECK(mac_of_line(how, json_of(entry_at("a", status))) == mac);
  for (auto status : {"PERMANENT_FAILURE", "REDRIVEN", "PURGED"}) {
    auto noted = entry_at("a", status);
    noted.extension = R"(,"failed_at":"2026-01-03T00:00:00Z","failure_reason":"\",\"x\":1")";
    CHECK(mac_of_line(how, json_of(noted)) == mac);
  }
  CHECK(mac_of_line(how, json_of(entry_at("b"))) != mac);
}

TEST_CASE("the MAC of an entry does not depend on the line's encryption, HMAC or spelling") {
  auto how = test::signed_options("/");
  auto mac = mac_of_line(how, json_of(entry_at("a")));
  CHECK(mac_of_line(test::encrypted_options("/"), json_of(entry_at("a"))) == mac);
  CHECK(mac_of_line(test::encrypted_options("/"), json_of(entry_at("a", "DELIVERED"))) == mac);

  auto json = json_of(entry_at("a"));
  auto without_version = "{" + json.substr(json.find(',') + 1);
  CHECK(mac_of_line(how, without_version) == mac);  // settling makes such lines
  auto spaced = json;
  spaced.insert(spaced.find(R"("payload":)") + 10, " ");
  CHECK(mac_of_line(how, spaced) == mac);  // and would drop the space

  auto format = format_for(how);
  auto plain_how = how;
  plain_how.integrity = wal::integrity_mode::crc32;
  std::string line;
  wal::line_encoder(*format_for(plain_how), "wal-1.jsonl").append_line(line, json);
  line.pop_back();
  wal::raw_line raw;
  raw.text = line;
  wal::line_decoder decoder(*format, "wal-1.jsonl");
  CHECK(wal::entry_mac(*format, wal::classify(raw, decoder)) == mac);
}

TEST_CASE("members that the entry was appended with belong to its MAC") {
  auto how = test::signed_options("/");
  auto own = entry_at("a");
  own.extension = R"(,"trace":"t")";
  auto mac = mac_of_line(how, json_of(own));
  CHECK(mac != mac_of_line(how, json_of(entry_at("a"))));
  own.status = "PERMANENT_FAILURE";
  own.extension += R"(,"failed_at":"2026-01-03T00:00:00Z","failure_reason":"x")";
  CHECK(mac_of_line(how, json_of(own)) == mac);
}

TEST_CASE("an anchor is read back as it was written") {
  temp_dir dir;
  for (const auto& how : {test::signed_options(dir.path()), test::encrypted_options(dir.path())}) {
    auto format = format_for(how);
    std::filesystem::remove(dir / "anchor");
    auto none = wal::read_anchor(how, *format);
    REQUIRE(none.ok());
    CHECK_FALSE(none->has_value());

    wal::anchor value;
    REQUIRE(wal::write_anchor(how, *format, value).ok());
    auto empty = wal::read_anchor(how, *format);
    REQUIRE(empty.ok());
    REQUIRE(empty->has_value());
    CHECK((*empty)->oldest.segment.empty());
    CHECK((*empty)->newest.value.empty());

    value.oldest = {"wal-1.jsonl", std::string(64, 'a')};
    value.newest = {"wal-2.jsonl", std::string(64, 'b')};
    REQUIRE(wal::write_anchor(how, *format, value).ok());
    auto back = wal::read_anchor(how, *format);
    REQUIRE(back.ok());
    REQUIRE(back->has_value());
    CHECK((*back)->oldest.segment == "wal-1.jsonl");
    CHECK((*back)->oldest.value == value.oldest.value);
    CHECK((*back)->newest.segment == "wal-2.jsonl");
    CHECK((*back)->newest.value == value.newest.value);
    CHECK_FALSE(std::filesystem::exists(dir / "wal-anchor.tmp"));
  }
}

TEST_CASE("an anchor is damaged by any change of any byte, and by any cut") {
  temp_dir dir;
  auto how = test::signed_options(dir.path());
  auto format = format_for(how);
  wal::anchor value{{"wal-1.jsonl", std::string(64, 'a')}, {"wal-2.jsonl", std::string(64, 'b')}};
  REQUIRE(wal::write_anchor(how, *format, value).ok());
  const auto bytes = test::read_file(dir / "anchor");
  auto refused = [&](const std::string& changed) {
    test::write_file(dir / "anchor", changed);
    auto back = wal::read_anchor(how, *format);
    return !back.ok() && back.reason().code == core::errc::corrupt;
  };
  CHECK_FALSE(refused(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    INFO(i);
    CHECK(refused(changed));
    CHECK(refused(bytes.substr(0, i)));
  }
  CHECK(refused(bytes + bytes));
  auto unsigned_bytes = bytes.substr(0, bytes.rfind('\t')) + "\n";
  CHECK(refused(unsigned_bytes));  // although such lines are accepted elsewhere
  CHECK(refused(std::string(1 << 20, 'x')));
}

TEST_CASE("an anchor signed with another key, or another kind of line, is damaged") {
  temp_dir dir;
  auto how = test::signed_options(dir.path());
  auto other = how;
  other.mac_key = "another key";
  REQUIRE(wal::write_anchor(other, *format_for(other), {}).ok());
  auto format = format_for(how);
  CHECK(wal::read_anchor(how, *format).reason().code == core::errc::corrupt);

  std::string line;
  wal::line_encoder(*format, wal::anchor_name).append_line(line, json_of(entry_at("a")));
  test::write_file(dir / "anchor", line);
  CHECK(wal::read_anchor(how, *format).reason().code == core::errc::corrupt);
}

TEST_CASE("an anchor is the old one or the new one after a power cut at any operation") {
  wal::anchor first{{}, {"wal-1.jsonl", std::string(64, 'a')}};
  wal::anchor second{{}, {"wal-2.jsonl", std::string(64, 'b')}};
  for (std::uint64_t at = 1;; ++at) {
    temp_dir dir;
    auto how = test::signed_options(dir.path());
    auto format = format_for(how);
    REQUIRE(wal::write_anchor(how, *format, first).ok());
    test::failing_files files(dir.path());
    how.files = &files;
    files.cut_power_at(at);
    auto written = wal::write_anchor(how, *format, second);
    files.crash();
    auto back = wal::read_anchor(how, *format);
    REQUIRE(back.ok());
    REQUIRE(back->has_value());
    auto newest = (*back)->newest.segment;
    INFO(at);
    CHECK((newest == "wal-1.jsonl" || newest == "wal-2.jsonl"));
    if (written) CHECK(newest == "wal-2.jsonl");
    REQUIRE(wal::write_anchor(how, *format, second).ok());  // whatever was left behind
    if (written) break;
  }
}

}  // namespace
