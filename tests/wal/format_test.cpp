// The line, the status line and the names of segments.
#include "wal/format.hpp"

#include <string>
#include <vector>

#include "core/entry.hpp"
#include "tests/support/catch.hpp"
#include "tests/wal/log_support.hpp"
#include "wal/segment_name.hpp"
#include "wal/status_line.hpp"

using namespace nexus;
using namespace nexus::wal;

namespace {

const std::string key = "01234567890123456789012345678901";

/// The JSON of golden vectors V1 to V3.
std::string golden_json(const std::string& status) {
  return R"({"version":2,"payload_id":"p1","idempotency_key":"k1","status":")" + status +
         R"(","timestamp":"2026-04-07T01:02:03.12Z","source":"s","destination":"d","subject":"u",)"
         R"("actor_type":"user","actor_id":"a","payload":{"x":1}})";
}

std::string line_of(const line_format& format, const std::string& json) {
  std::string out;
  format.append_line(out, json);
  return out;
}

}  // namespace

TEST_CASE("golden vectors V1 to V3: CRC and HMAC of a line are the reference's") {
  line_format plain(integrity_mode::crc32, {}, true);
  line_format mac(integrity_mode::mac, key, true);
  const std::vector<std::array<std::string, 3>> golden{
      {"PENDING", "e28d454a", "60d6d9c02a3c6529e833cc1c17dffbf623f62ea4d61801fd72dee12a83e69be1"},
      {"DELIVERED", "0140bb7f", "beeb9728ef6d6ceadf8896015e4f9a12d7e81d90a12c02d1459565cf80d760b5"},
      {"PERMANENT_FAILURE", "22c88da9",
       "ee4141fecaabdc8e29033983872e73329936a9eb5d309228d4e300bf58a2db96"}};
  for (const auto& [status, crc, hmac] : golden) {
    auto json = golden_json(status);
    CHECK(line_of(plain, json) == json + "\t" + crc + "\n");
    CHECK(line_of(mac, json) == json + "\t" + crc + "\t" + hmac + "\n");
  }
}

TEST_CASE("golden vectors V4 and V5 have the reference's CRC") {
  line_format plain(integrity_mode::crc32, {}, true);
  auto v4 = line_of(
      plain,
      R"({"version":2,"payload_id":"p3","idempotency_key":"k\u003c1\u003e","status":"PENDING","timestamp":"2026-01-01T00:00:00Z","source":"s","destination":"sqlite","subject":"a \u0026 b","actor_type":"user","actor_id":"","payload":{"content":"\u003cb\u003e \u2028 \u0001\b\f\t\n\"\\/ é😀 \ufffd"}})");
  CHECK(v4.ends_with("\tccbbb640\n"));
  auto v5 = line_of(
      plain,
      R"({"version":2,"payload_id":"9cc2a55a30b8d300684a672c595b6eee","idempotency_key":"idem-1","status":"PENDING","timestamp":"2026-01-01T00:00:00Z","source":"default","destination":"sqlite","subject":"default","actor_type":"user","actor_id":"","payload":{"payload_id":"9cc2a55a30b8d300684a672c595b6eee","request_id":"req-1","source":"default","subject":"default","namespace":"default","destination":"sqlite","collection":"","content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z","idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0","actor_type":"user","actor_id":"","metadata":{"a":"2","z":"1"},"classification_tier":"public"}})");
  CHECK(v5.ends_with("\tdeb5678d\n"));
}

TEST_CASE("a line is read back as whole, with one CR at its end allowed") {
  for (auto mode : {integrity_mode::crc32, integrity_mode::mac}) {
    line_format format(mode, key, false);
    auto line = line_of(format, golden_json("PENDING"));
    line.pop_back();
    CHECK(format.read_line(line).state == line_state::whole);
    CHECK(format.read_line(line).json == golden_json("PENDING"));
    CHECK(format.read_line(line + "\r").state == line_state::whole);
    CHECK(format.read_line(line + "\r\r").state != line_state::whole);
  }
}

TEST_CASE("every flipped bit and every missing byte of a line is noticed") {
  for (auto mode : {integrity_mode::crc32, integrity_mode::mac}) {
    line_format format(mode, key, false);
    auto line = line_of(format, golden_json("PENDING"));
    line.pop_back();
    for (std::size_t at = 0; at < line.size(); ++at) {
      CHECK(format.read_line(line.substr(0, at)).state != line_state::whole);
      for (int bit = 0; bit < 8; ++bit) {
        auto bad = line;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        // The HMAC may be spelled in capitals: those are the only flips that mean the same.
        bool same =
            mode == integrity_mode::mac && at > line.size() - 65 && bit == 5 && line[at] >= 'a';
        INFO("byte " << at << " bit " << bit);
        CHECK((format.read_line(bad).state == line_state::whole) == same);
      }
    }
  }
}

TEST_CASE("the CRC is compared as text: capitals don't fit") {
  line_format format(integrity_mode::crc32, {}, true);
  CHECK(format.read_line(golden_json("PENDING") + "\te28d454a").state == line_state::whole);
  CHECK(format.read_line(golden_json("PENDING") + "\tE28D454A").state == line_state::bad_crc);
  CHECK(format.read_line(golden_json("PENDING") + "\te28d454a ").state == line_state::bad_crc);
  CHECK(format.read_line(golden_json("PENDING") + "\t").state == line_state::bad_crc);
}

TEST_CASE("in mode crc32 further fields are ignored, in mode mac they must be the HMAC") {
  line_format plain(integrity_mode::crc32, {}, true);
  line_format mac(integrity_mode::mac, key, true);
  auto line = golden_json("PENDING") + "\te28d454a";
  const std::string hmac = "\t60d6d9c02a3c6529e833cc1c17dffbf623f62ea4d61801fd72dee12a83e69be1";
  for (std::string rest : {"\t", "\textra", "\textra\tfields", "\t\t"}) {
    CHECK(plain.read_line(line + rest).state == line_state::whole);
    CHECK(mac.read_line(line + rest).state == line_state::bad_mac);
  }
  CHECK(mac.read_line(line + hmac).state == line_state::whole);
  CHECK(mac.read_line(line + hmac + "\tmore").state == line_state::bad_mac);
}

TEST_CASE("a line without an HMAC is taken in mode mac unless the mode is strict") {
  auto line = golden_json("PENDING") + "\te28d454a";
  CHECK(line_format(integrity_mode::mac, key, true).read_line(line).state == line_state::whole);
  CHECK(line_format(integrity_mode::mac, key, false).read_line(line).state ==
        line_state::missing_mac);
}

TEST_CASE("the CRC is looked at before the HMAC") {
  line_format mac(integrity_mode::mac, key, true);
  CHECK(mac.read_line(golden_json("PENDING") + "\t00000000\tnonsense").state ==
        line_state::bad_crc);
}

TEST_CASE("keys of any length sign lines, and different keys differently") {
  std::vector<std::string> lines;
  for (std::size_t length : {1u, 31u, 32u, 64u, 65u, 200u})
    lines.push_back(
        line_of(line_format(integrity_mode::mac, std::string(length, 'k'), true), "{}"));
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(lines[i] != lines[j]);
}

TEST_CASE("a status line survives writing and reading, and is no entry for the reference") {
  status_change change;
  change.mark = core::status::permanent_failure;
  change.destination = "sq\"lite";
  change.reason = "no <such> table\t\xff";
  change.ids = {"a", "b\u2028", ""};
  std::string json;
  append_json(json, change, "2026-01-01T00:00:00Z");
  CHECK(json.find('\t') == json.npos);
  auto line = core::parse_entry(json);
  REQUIRE(line.ok());
  CHECK(line->entry_type == "status");
  CHECK(line->version == 2);
  CHECK_FALSE(core::parse_status(line->status));
  auto back = parse_status_change(*line);
  REQUIRE(back);
  CHECK(back->mark == change.mark);
  CHECK(back->destination == change.destination);
  CHECK(back->reason == "no <such> table\t\ufffd");
  CHECK(back->ids == change.ids);
}

TEST_CASE("a status line that makes no sense changes nothing") {
  for (std::string members : {R"("ids":["a"])", R"("mark":"PENDING","ids":["a"])",
                              R"("mark":"GONE","ids":["a"])", R"("mark":1,"ids":["a"])"}) {
    auto line = core::parse_entry(R"({"status":"STATUS","entry_type":"status",)" + members + "}");
    REQUIRE(line.ok());
    INFO(members);
    CHECK_FALSE(parse_status_change(*line));
  }
  auto odd = core::parse_entry(
      R"({"entry_type":"status","mark":"DELIVERED","ids":["a",1,null,["b"],"c"]})");
  CHECK(parse_status_change(*odd)->ids == std::vector<std::string>{"a", "c"});
}

TEST_CASE("segments are found as the reference finds them") {
  for (std::string name :
       {"wal-1.jsonl", "wal-1700000000000000001.jsonl", "wal-x.jsonl", "wal-.jsonl"})
    CHECK(is_segment_name(name));
  for (std::string name :
       {"wal-1.jsonl.tmp", "wal-1.json", "WAL-1.jsonl", "xwal-1.jsonl", "wal.jsonl", "lock", "wal-",
        "dead-letter.jsonl", ".probe-1", "wal-1.jsonlx"})
    CHECK_FALSE(is_segment_name(name));
  CHECK(is_leftover_name("wal-123.tmp"));
  CHECK(is_leftover_name("wal-1.jsonl.tmp"));
  CHECK_FALSE(is_leftover_name("wal-1.jsonl"));
  CHECK_FALSE(is_leftover_name("other.tmp"));
}

TEST_CASE("each new segment name sorts after the last, whatever the clock says") {
  core::time_point now{std::chrono::nanoseconds{1'700'000'000'000'000'000}};
  CHECK(next_segment_name({}, now) == "wal-1700000000000000000.jsonl");
  CHECK(next_segment_name("wal-1600000000000000000.jsonl", now) == "wal-1700000000000000000.jsonl");
  CHECK(next_segment_name("wal-1700000000000000000.jsonl", now) == "wal-1700000000000000001.jsonl");
  CHECK(next_segment_name("wal-1800000000000000000.jsonl", now) == "wal-1800000000000000001.jsonl");
  for (std::string last :
       {"wal-9.jsonl", "wal-99.jsonl", "wal-x.jsonl", "wal-.jsonl", "wal-0000000001.jsonl",
        "wal-18446744073709551615.jsonl", "wal-99999999999999999999999.jsonl", "wal-a.b.jsonl",
        "wal-9999999999999999999.jsonl", "wal-\xff.jsonl", "wal-2 .jsonl"}) {
    for (int i = 0; i < 5; ++i) {
      auto next = next_segment_name(last, now);
      INFO(last << " -> " << next);
      CHECK(next > last);
      CHECK(is_segment_name(next));
      last = next;
    }
  }
}
