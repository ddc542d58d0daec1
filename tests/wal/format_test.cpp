// The line, the status line and the names of segments.
#include "wal/format.hpp"

#include <array>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "tests/wal/codec_support.hpp"
#include "wal/segment_name.hpp"
#include "wal/status_line.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::wal;

TEST_CASE("golden vectors V1 to V3: CRC and HMAC of a line are the reference's") {
  codec plain(plain_mode), mac(mac_mode);
  const std::vector<std::array<std::string, 3>> golden{
      {"PENDING", "e28d454a", "60d6d9c02a3c6529e833cc1c17dffbf623f62ea4d61801fd72dee12a83e69be1"},
      {"DELIVERED", "0140bb7f", "beeb9728ef6d6ceadf8896015e4f9a12d7e81d90a12c02d1459565cf80d760b5"},
      {"PERMANENT_FAILURE", "22c88da9",
       "ee4141fecaabdc8e29033983872e73329936a9eb5d309228d4e300bf58a2db96"}};
  for (const auto& [status, crc, hmac] : golden) {
    auto json = golden_json(status);
    CHECK(plain.line_of(json) == json + "\t" + crc + "\n");
    CHECK(mac.line_of(json) == json + "\t" + crc + "\t" + hmac + "\n");
  }
}

TEST_CASE("golden vectors V4 and V5 have the reference's CRC") {
  codec plain(plain_mode);
  auto v4 = plain.line_of(
      R"({"version":2,"payload_id":"p3","idempotency_key":"k\u003c1\u003e","status":"PENDING","timestamp":"2026-01-01T00:00:00Z","source":"s","destination":"sqlite","subject":"a \u0026 b","actor_type":"user","actor_id":"","payload":{"content":"\u003cb\u003e \u2028 \u0001\b\f\t\n\"\\/ é😀 \ufffd"}})");
  CHECK(v4.ends_with("\tccbbb640\n"));
  auto v5 = plain.line_of(
      R"({"version":2,"payload_id":"9cc2a55a30b8d300684a672c595b6eee","idempotency_key":"idem-1","status":"PENDING","timestamp":"2026-01-01T00:00:00Z","source":"default","destination":"sqlite","subject":"default","actor_type":"user","actor_id":"","payload":{"payload_id":"9cc2a55a30b8d300684a672c595b6eee","request_id":"req-1","source":"default","subject":"default","namespace":"default","destination":"sqlite","collection":"","content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z","idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0","actor_type":"user","actor_id":"","metadata":{"a":"2","z":"1"},"classification_tier":"public"}})");
  CHECK(v5.ends_with("\tdeb5678d\n"));
}

TEST_CASE("a line is read back as whole, with one CR at its end allowed") {
  for (auto mode : {integrity_mode::crc32, integrity_mode::mac}) {
    codec file(mode_of(mode, false));
    auto line = file.line_of(golden_json("PENDING"));
    line.pop_back();
    CHECK(file.state_of(line) == line_state::whole);
    CHECK(file.decoder.read_line(line).json == golden_json("PENDING"));
    CHECK(file.state_of(line + "\r") == line_state::whole);
    CHECK(file.state_of(line + "\r\r") != line_state::whole);
  }
}

TEST_CASE("every flipped bit and every missing byte of a line is noticed") {
  for (auto mode : {integrity_mode::crc32, integrity_mode::mac}) {
    codec file(mode_of(mode, false));
    auto line = file.line_of(golden_json("PENDING"));
    line.pop_back();
    for (std::size_t at = 0; at < line.size(); ++at) {
      CHECK(file.state_of(line.substr(0, at)) != line_state::whole);
      for (int bit = 0; bit < 8; ++bit) {
        auto bad = line;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        // The HMAC may be spelled in capitals: those are the only flips that mean the same.
        bool same =
            mode == integrity_mode::mac && at > line.size() - 65 && bit == 5 && line[at] >= 'a';
        INFO("byte " << at << " bit " << bit);
        CHECK((file.state_of(bad) == line_state::whole) == same);
      }
    }
  }
}

TEST_CASE("the CRC is compared as text: capitals don't fit") {
  codec file(plain_mode);
  CHECK(file.state_of(golden_json("PENDING") + "\te28d454a") == line_state::whole);
  CHECK(file.state_of(golden_json("PENDING") + "\tE28D454A") == line_state::bad_crc);
  CHECK(file.state_of(golden_json("PENDING") + "\te28d454a ") == line_state::bad_crc);
  CHECK(file.state_of(golden_json("PENDING") + "\t") == line_state::bad_crc);
}

TEST_CASE("in mode crc32 further fields are ignored, in mode mac they must be the HMAC") {
  codec plain(plain_mode), mac(mac_mode);
  auto line = golden_json("PENDING") + "\te28d454a";
  const auto hmac = "\t" + golden_hmac;
  for (std::string rest : {"\t", "\textra", "\textra\tfields", "\t\t"}) {
    CHECK(plain.state_of(line + rest) == line_state::whole);
    CHECK(mac.state_of(line + rest) == line_state::bad_mac);
  }
  CHECK(mac.state_of(line + hmac) == line_state::whole);
  CHECK(mac.state_of(line + hmac + "\tmore") == line_state::bad_mac);
}

TEST_CASE("an HMAC that a power cut has cut off is torn, and one that was changed is not") {
  codec mac(mac_mode);
  const auto line = golden_json("PENDING") + "\te28d454a\t";
  const auto state_at_end = [&](const std::string& text) {
    return mac.decoder.read_line(text, false).state;
  };
  for (std::size_t digits = 0; digits < golden_hmac.size(); ++digits) {
    const auto stored = line + golden_hmac.substr(0, digits);
    CHECK(state_at_end(stored) == line_state::torn);
    CHECK(mac.state_of(stored) == line_state::bad_mac);
    CHECK(mac.state_of(stored + std::string(3, '\0') + "rest") == line_state::torn);
    if (digits == 0) continue;
    auto changed = stored;
    changed.back() = changed.back() == '0' ? '1' : '0';
    CHECK(state_at_end(changed) == line_state::bad_mac);
  }
  CHECK(state_at_end(line + golden_hmac) == line_state::whole);
  CHECK(state_at_end(line + golden_hmac + "0") == line_state::bad_mac);
}

TEST_CASE("a line without an HMAC is taken in mode mac unless the mode is strict") {
  auto line = golden_json("PENDING") + "\te28d454a";
  CHECK(codec(mac_mode).state_of(line) == line_state::whole);
  CHECK(codec(strict_mode).state_of(line) == line_state::missing_mac);
}

TEST_CASE("the CRC is looked at before the HMAC") {
  codec mac(mac_mode);
  CHECK(mac.state_of(golden_json("PENDING") + "\t00000000\tnonsense") == line_state::bad_crc);
}

TEST_CASE("keys of any length sign lines, and different keys differently") {
  std::vector<std::string> lines;
  for (std::size_t length : {1u, 31u, 32u, 64u, 65u, 200u})
    lines.push_back(
        codec(mode_of(integrity_mode::mac, true, std::string(length, 'k'))).line_of("{}"));
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) CHECK(lines[i] != lines[j]);
}

TEST_CASE("the HMAC of a whole line is told in mode mac, and only there") {
  const auto signed_line = golden_json("PENDING") + "\te28d454a\t" + golden_hmac;
  codec plain(plain_mode), mac(mac_mode);
  CHECK(mac.decoder.read_line(signed_line).hmac == golden_hmac);
  CHECK(mac.decoder.read_line(golden_json("PENDING") + "\te28d454a").hmac.empty());
  CHECK(plain.decoder.read_line(signed_line).hmac.empty());
  CHECK(mac.format->mac_of(golden_json("PENDING")) == line_format::mac_at_end(signed_line));
  CHECK(mac.format->mac_of(golden_json("PENDIN")) != line_format::mac_at_end(signed_line));
  CHECK(mac.format->mac_of({}) == mac.format->mac_of(""));
}

TEST_CASE("a blank line is blank, and a line without a tab is torn") {
  codec file(plain_mode);
  CHECK(file.state_of("") == line_state::blank);
  CHECK(file.state_of("\r") == line_state::blank);
  CHECK(file.state_of(" ") == line_state::torn);
  CHECK(file.state_of("{\"version\":2,\"pay") == line_state::torn);
  CHECK(file.state_of("BFBFBFBFBFBFBFBF") == line_state::torn);
}

TEST_CASE("lines between sentinels are read, those of an older version between them as well") {
  const auto body = "BFBFBFBFBFBFBFBF\t" + golden_json("PENDING") + "\te28d454a";
  const std::string end = "\tFBFBFBFBFBFBFBFB";
  codec plain(plain_mode), mac(mac_mode);
  for (auto line : {body + end, body + "\t" + golden_hmac + end, body + end + "\r"}) {
    CHECK(plain.decoder.read_line(line).json == golden_json("PENDING"));
    CHECK(mac.decoder.read_line(line).json == golden_json("PENDING"));
  }
  CHECK(plain.state_of(golden_json("PENDING") + "\te28d454a") == line_state::whole);
  CHECK(mac.decoder.read_line(body + "\t" + golden_hmac + end).hmac == golden_hmac);
}

TEST_CASE("a line that begins with the start sentinel must end as such a line does") {
  const auto body = "BFBFBFBFBFBFBFBF\t" + golden_json("PENDING");
  const std::string end = "\tFBFBFBFBFBFBFBFB";
  codec file(plain_mode);
  for (auto line : {body, body + "\te28d454a", body + "\te28d454a\tFBFBFBFBFBFBFBF",
                    body + "\te28d454a\tfbfbfbfbfbfbfbfb", body + "\te28d454a" + end + "x",
                    body + "\te28d454a" + end + "\t", body + end, "BFBFBFBFBFBFBFBF" + end,
                    body + "\te28d454a\ta\tb\tc" + end, std::string("BFBFBFBFBFBFBFBF\t")})
    CHECK(file.state_of(line) == line_state::bad_sentinel);
  CHECK(file.state_of(body + "\t00000000" + end) == line_state::bad_crc);
  CHECK(file.state_of("bfbfbfbfbfbfbfbf\t" + golden_json("PENDING") + "\te28d454a" + end) ==
        line_state::bad_crc);
}

TEST_CASE("no number of fields between the sentinels gets around the HMAC") {
  const auto body = "BFBFBFBFBFBFBFBF\t" + golden_json("PENDING") + "\te28d454a";
  const std::string end = "\tFBFBFBFBFBFBFBFB";
  codec plain(plain_mode), mac(mac_mode), strict(strict_mode);
  CHECK(strict.state_of(body + "\t" + golden_hmac + end) == line_state::whole);
  CHECK(strict.state_of(body + end) == line_state::missing_mac);
  CHECK(mac.state_of(body + end) == line_state::whole);
  const auto wrong = std::string(64, '0');
  for (auto fields :
       {"\t" + wrong, "\t" + wrong + "\t" + golden_hmac, "\t" + golden_hmac + "\t" + wrong,
        "\t" + golden_hmac + "\t", std::string("\t"), std::string("\t\t")}) {
    INFO(fields);
    CHECK(strict.state_of(body + fields + end) == line_state::bad_mac);
    CHECK(mac.state_of(body + fields + end) == line_state::bad_mac);
    CHECK(plain.state_of(body + fields + end) == line_state::whole);
  }
}

TEST_CASE("what can't protect a line is an error when the log is opened") {
  auto reason_of = [](const options& how) {
    auto made = line_format::make(how);
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == core::errc::bad_config);
    return made.reason().text;
  };
  CHECK(reason_of(mode_of(integrity_mode::mac, true, "")).find("mac") != std::string::npos);
  auto no_key = plain_mode;
  no_key.encryption.enabled = true;
  CHECK(reason_of(no_key).find("key") != std::string::npos);
}

TEST_CASE("a status line survives writing and reading, and is no entry for the reference") {
  status_change change;
  change.mark = core::status::permanent_failure;
  change.destination = "sq\"lite";
  change.reason = "no <such> table\t\xff";
  change.ids = {"a", "b\u2028", ""};
  std::string json;
  change.at = "2026-01-01T00:00:00Z";
  append_json(json, change);
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

TEST_CASE("a status line says when its dead letters failed") {
  status_change change;
  change.mark = core::status::redriven;
  change.at = "2026-01-02T00:00:00Z";
  change.ids = {"a", "b"};
  change.failed_at = {"2026-01-01T00:00:00Z", ""};
  std::string json;
  append_json(json, change);
  CHECK(json.ends_with(R"("ids":["a","b"],"failed_at":["2026-01-01T00:00:00Z",""]})"));
  CHECK(parse_status_change(*core::parse_entry(json))->failed_at == change.failed_at);
  auto odd = core::parse_entry(
      R"({"entry_type":"status","mark":"REDRIVEN","ids":["a","b"],"failed_at":["2026"]})");
  CHECK(parse_status_change(*odd)->failed_at.empty());
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
