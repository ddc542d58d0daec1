// Directories that the reference wrote (golden/go-wal), held against the reference's own verdict on
// them.
#include <rapidjson/document.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <sstream>

#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_reader.hpp"
#include "wal/format.hpp"
#include "wal/inspect.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string golden = NEXUS_GOLDEN_DIRECTORY "/go-wal/";

std::string mac_key() {
  std::string key;
  for (char byte = 0; byte < 32; ++byte) key += byte;
  return key;
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> hex;
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  return hex.data();
}

struct verdict {
  std::vector<rapidjson::Document> pending, delivered;
  rapidjson::Document summary;
};

verdict read_verdict(const std::string& name) {
  verdict out;
  std::istringstream lines(read_file(golden + "expected/" + name + ".jsonl"));
  for (std::string line; std::getline(lines, line);) {
    rapidjson::Document document;
    document.Parse(line.data(), line.size());
    REQUIRE_FALSE(document.HasParseError());
    if (document.HasMember("summary"))
      out.summary = std::move(document);
    else
      (document.HasMember("sample") ? out.delivered : out.pending).push_back(std::move(document));
  }
  REQUIRE(out.summary.IsObject());
  return out;
}

std::string text_of(const rapidjson::Document& document, const char* key) {
  return {document[key].GetString(), document[key].GetStringLength()};
}

void check_entry(const core::entry& entry, const rapidjson::Document& expected) {
  INFO(entry.payload_id);
  CHECK(entry.payload_id == text_of(expected, "payload_id"));
  CHECK(entry.version == expected["version"].GetInt64());
  CHECK(entry.idempotency_key == text_of(expected, "idempotency_key"));
  CHECK(entry.status == text_of(expected, "status"));
  CHECK(entry.timestamp == text_of(expected, "timestamp"));
  CHECK(entry.source == text_of(expected, "source"));
  CHECK(entry.destination == text_of(expected, "destination"));
  CHECK(entry.subject == text_of(expected, "subject"));
  CHECK(entry.actor_type == text_of(expected, "actor_type"));
  CHECK(entry.actor_id == text_of(expected, "actor_id"));
  CHECK(entry.payload.size() == expected["payload_len"].GetUint64());
  CHECK(sha256(entry.payload) == text_of(expected, "payload_sha256"));
  if (expected["payload_raw"].IsString()) CHECK(entry.payload == text_of(expected, "payload_raw"));
}

void check_entries(const std::vector<core::entry>& entries,
                   const std::vector<rapidjson::Document>& expected) {
  REQUIRE(entries.size() == expected.size());
  for (std::size_t i = 0; i < entries.size(); ++i) check_entry(entries[i], expected[i]);
}

wal::options options_of(const std::string& name, const std::string& directory) {
  auto how = options_for(directory);
  if (name == "mac-marked") {
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = mac_key();
  }
  return how;
}

std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> all;
  for (const auto& one : std::filesystem::directory_iterator(directory))
    all[one.path().filename().string()] = read_file(one.path().string());
  return all;
}

const std::array<std::string, 2> names{"crc32-fresh", "mac-marked"};

}  // namespace

TEST_CASE(
    "inspect reads the reference's directories as the reference does, and leaves every byte as it "
    "is") {
  for (const auto& name : names) {
    INFO(name);
    auto expected = read_verdict(name);
    auto how = options_of(name, golden + name);
    auto before = contents(how.directory);
    auto collect = [&](wal::selection which, wal::inspection& seen) {
      std::vector<core::entry> entries;
      auto done = wal::inspect(how, which, {}, [&](std::string_view json) {
        entries.push_back(*core::parse_entry(json));
      });
      REQUIRE(done.ok());
      seen = *done;
      return entries;
    };
    wal::inspection seen;
    check_entries(collect(wal::selection::pending, seen), expected.pending);
    CHECK(seen.pending == expected.summary["pending"].GetUint64());
    CHECK(seen.delivered == expected.summary["delivered"].GetUint64());
    CHECK(seen.duplicates == (name == "mac-marked" ? 3u : 4u));
    CHECK(seen.segments == expected.summary["segments"].GetUint64());
    CHECK(seen.crc_failures == 0);
    CHECK(seen.integrity_failures == 0);
    CHECK(seen.torn_lines == 0);
    CHECK(seen.malformed_lines == 0);
    CHECK(seen.status_lines == 0);
    CHECK_FALSE(seen.first_damage);
    auto delivered = collect(wal::selection::delivered, seen);
    std::sort(delivered.begin(), delivered.end(),
              [](const auto& a, const auto& b) { return a.payload_id < b.payload_id; });
    check_entries(delivered, expected.delivered);
    CHECK(collect(wal::selection::failed, seen).size() == (name == "mac-marked" ? 2u : 0u));
    CHECK(collect(wal::selection::all, seen).size() == seen.lines);
    CHECK(contents(how.directory) == before);
  }
}

TEST_CASE(
    "opening a copy of the reference's directories replays what the reference replays, in its "
    "order") {
  for (const auto& name : names) {
    INFO(name);
    temp_dir dir;
    std::filesystem::copy(golden + name, dir / "wal");
    auto expected = read_verdict(name);
    auto how = options_of(name, dir / "wal");
    auto before = contents(how.directory);
    {
      auto log = open_log(how);
      std::vector<core::entry> entries;
      REQUIRE(log->replay([&](const core::entry& entry) { entries.push_back(entry); }).ok());
      check_entries(entries, expected.pending);
      CHECK(log->pending_count() == expected.summary["pending_count"].GetUint64());
      CHECK(log->crc_failures() == 0);
      CHECK(log->integrity_failures() == 0);
      auto sample = log->sample_delivered(100);
      REQUIRE(sample.ok());
      std::sort(sample->begin(), sample->end(),
                [](const auto& a, const auto& b) { return a.payload_id < b.payload_id; });
      check_entries(*sample, expected.delivered);
      CHECK(log->stats().replayed == expected.pending.size());
    }
    // Nothing was marked, so nothing had to be rewritten; in mode mac the newest segment is sealed.
    auto after = contents(how.directory);
    for (const auto& [file, text] : before) CHECK(after[file].starts_with(text));
    for (const auto& [file, text] : after)
      CHECK((before.contains(file) || file == "lock" || file == "reserve" || file == "anchor"));
  }
}

TEST_CASE(
    "after delivering everything in the reference's directories, the reference finds nothing "
    "pending and all lines whole") {
  for (const auto& name : names) {
    INFO(name);
    temp_dir dir;
    std::filesystem::copy(golden + name, dir / "wal");
    auto how = options_of(name, dir / "wal");
    auto expected = read_verdict(name);
    {
      auto log = open_log(how);
      for (const auto& id : replayed_ids(*log)) REQUIRE(log->mark_delivered(id).ok());
      CHECK(log->pending_count() == 0);
    }
    std::vector<core::entry> delivered;
    auto done = wal::inspect(how, wal::selection::delivered, {}, [&](std::string_view json) {
      delivered.push_back(*core::parse_entry(json));
    });
    REQUIRE(done.ok());
    CHECK(done->pending == 0);
    CHECK(done->status_lines == 0);
    CHECK(done->crc_failures + done->integrity_failures + done->malformed_lines == 0);
    for (const auto& one : expected.pending) {
      auto id = text_of(one, "payload_id");
      auto found = std::find_if(delivered.begin(), delivered.end(),
                                [&](const auto& entry) { return entry.payload_id == id; });
      REQUIRE(found != delivered.end());
      CHECK(sha256(found->payload) == text_of(one, "payload_sha256"));
    }
  }
}

TEST_CASE(
    "a wrong key is told as such: none of the reference's lines counts as damaged, none is "
    "delivered") {
  auto how = options_of("mac-marked", golden + "mac-marked");
  how.mac_key[0] = 'x';
  how.on_security_event = [&](const wal::security_event&) { FAIL("nobody has changed a line"); };
  auto done = wal::inspect(how, wal::selection::pending, {},
                           [](std::string_view) { FAIL("an entry came out"); });
  REQUIRE(!done.ok());
  CHECK(done.reason().code == core::errc::bad_config);
  CHECK(done.reason().text.find("none of the 29 signed lines") != std::string::npos);
}

TEST_CASE(
    "golden vector V6: a foreign line is read, and rewritten as the reference would, but for its "
    "unknown key") {
  const std::string rewritten =
      R"({"version":3,"payload_id":"f1","idempotency_key":"k","status":"DELIVERED",)"
      R"("timestamp":"2026-01-01T00:00:00.5+02:00","source":"s","destination":"","subject":"","actor_type":"",)"
      R"("actor_id":"","payload":{"a":"\u003cx\u003e","z":1.0})";
  for (bool with_extra : {false, true}) {
    temp_dir dir;
    std::string json =
        R"({"payload_id":"f1","VERSION":3,"status":"PENDING","idempotency_key":"k",)";
    if (with_extra) json += R"("extra":{"keep":"me"},)";
    json +=
        R"("timestamp":"2026-01-01T00:00:00.500+02:00","payload":{"a" : "<x>", "z":1.0}, "source":"s"})";
    auto line = test::line_of(json);
    line.pop_back();
    write_file(dir / "wal/wal-0000000001.jsonl", line + "\textra\tfields\r\n");
    {
      auto log = open_log(dir / "wal");
      CHECK(replayed_ids(*log) == std::vector<std::string>{"f1"});
      REQUIRE(log->mark_delivered("f1").ok());
    }
    auto left = read_file(dir / "wal/wal-0000000001.jsonl");
    if (with_extra) {
      auto kept = test::line_of(rewritten + R"(,"extra":{"keep":"me"}})");
      CHECK(left == kept);
    } else {
      CHECK(left == rewritten + "}\t0035e609\n");
    }
  }
}
