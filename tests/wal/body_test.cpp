// Compressed and encrypted bodies of lines.
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base64.hpp"
#include "core/entry.hpp"
#include "tests/wal/codec_support.hpp"
#include "wal/compression.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::wal;

namespace {

std::string crc_of(const std::string& body) {
  auto value =
      ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  std::array<char, 9> hex;
  std::snprintf(hex.data(), hex.size(), "%08lx", value);
  return hex.data();
}

/// A line of mode crc32 with any body.
std::string line_with(const std::string& body) {
  return body + "\t" + crc_of(body);
}

std::string zstd_body(const std::string& content) {
  std::string frame(ZSTD_compressBound(content.size()), '\0');
  const auto size = ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), 1);
  REQUIRE_FALSE(ZSTD_isError(size));
  frame.resize(size);
  std::string body = "zstd:";
  core::append_base64(body, frame);
  return body;
}

/// V1 as the newest reference version compresses it; its CRC is 65beccdc.
const std::string golden_zstd =
    "zstd:KLUv/QQAiQYAeyJ2ZXJzaW9uIjoyLCJwYXlsb2FkX2lkIjoicDEiLCJpZGVtcG90ZW5jeV9rZXkiOiJrMSIs"
    "InN0YXR1cyI6IlBFTkRJTkciLCJ0aW1lc3RhbXAiOiIyMDI2LTA0LTA3VDAxOjAyOjAzLjEyWiIsInNvdXJjZSI6InMi"
    "LCJkZXN0aW5hdGlvbiI6ImQiLCJzdWJqZWN0IjoidSIsImFjdG9yX3R5cGUiOiJ1c2VyIiwiYWN0b3JfaWQiOiJhIiwi"
    "cGF5bG9hZCI6eyJ4IjoxfX3ozYgi";

}  // namespace

TEST_CASE("golden vector: a compressed line, in every layout") {
  codec plain(plain_mode), mac(mac_mode);
  const auto line = golden_zstd + "\t65beccdc";
  CHECK(plain.decoder.read_line(line).json == golden_json("PENDING"));
  CHECK(plain.decoder.read_line("BFBFBFBFBFBFBFBF\t" + line + "\tFBFBFBFBFBFBFBFB").json ==
        golden_json("PENDING"));
  std::string signed_line = golden_zstd;
  mac.format->finish_line(signed_line, 0);
  signed_line = without_newline(signed_line);
  CHECK(mac.decoder.read_line(signed_line).json == golden_json("PENDING"));
  CHECK_FALSE(mac.decoder.read_line(signed_line).encrypted);
  CHECK(mac.state_of(line + "\t" + golden_hmac) == line_state::bad_mac);  // that of the JSON
}

TEST_CASE("a body that can't be decompressed is told from a damaged line") {
  codec file(plain_mode);
  const auto body = zstd_body(golden_json("PENDING"));
  REQUIRE(file.decoder.read_line(line_with(body)).json == golden_json("PENDING"));
  for (std::size_t cut = 5; cut < body.size(); ++cut) {
    INFO("cut to " << cut);
    CHECK(file.state_of(line_with(body.substr(0, cut))) == line_state::bad_body);
  }
  for (auto bad : {body + "=", body + "AAAA", "zstd: " + body.substr(5), "zstd:" + body,
                   std::string("zstd:!"), golden_zstd.substr(0, golden_zstd.size() - 4) + "AAAA"})
    CHECK(file.state_of(line_with(bad)) == line_state::bad_body);
  CHECK(file.state_of(line_with("ZSTD:" + body.substr(5))) ==
        line_state::whole);  // no JSON, but a line
}

TEST_CASE("a bomb of zeros stops at the limit, and the next line is read") {
  codec file(plain_mode);
  const auto bomb = line_with(zstd_body(std::string(decompressed_bytes_max + 1, '0')));
  CHECK(bomb.size() < 100'000);
  CHECK(file.state_of(bomb) == line_state::bad_body);
  const auto large = line_with(zstd_body(std::string(decompressed_bytes_max, '0')));
  CHECK(file.decoder.read_line(large).json.size() == decompressed_bytes_max);
  CHECK(file.decoder.read_line(golden_zstd + "\t65beccdc").json == golden_json("PENDING"));
}

TEST_CASE("an encrypted line is read back, with each cipher and in each mode") {
  for (auto with : ciphers_here()) {
    for (const auto& mode : {plain_mode, mac_mode, strict_mode}) {
      codec file(encrypting(mode, with));
      for (const std::string& json :
           {golden_json("PENDING"), std::string("{}"), std::string(100'000, 'x')}) {
        auto line = without_newline(file.line_of(json));
        CHECK(line.starts_with("enc:"));
        auto parts = file.decoder.read_line(line);
        CHECK(parts.state == line_state::whole);
        CHECK(parts.encrypted);
        CHECK(parts.json == json);
        CHECK(parts.hmac.empty() == (mode.integrity == integrity_mode::crc32));
        CHECK(file.decoder.read_line(line + "\r").json == json);
        CHECK(file.line_of(json) != line + "\n");  // another nonce
      }
    }
  }
}

TEST_CASE("the HMAC of an encrypted line covers the body as written") {
  codec file(encrypting(mac_mode, cipher::xchacha20_poly1305));
  auto line = without_newline(file.line_of(golden_json("PENDING")));
  const auto body = line.substr(0, line.find('\t'));
  CHECK(line_format::mac_at_end(line) == file.format->mac_of(body));
  CHECK(codec(mac_mode).state_of(line) == line_state::no_key);
  // Someone who knows no key may repair the CRC of a changed body, but not its HMAC.
  auto changed = body;
  changed[50] = changed[50] == 'A' ? 'B' : 'A';
  CHECK(file.state_of(line_with(changed) + line.substr(line.rfind('\t'))) == line_state::bad_mac);
  CHECK(file.state_of(line_with(changed)) == line_state::bad_body);
  CHECK(codec(encrypting(strict_mode, cipher::xchacha20_poly1305)).state_of(line_with(body)) ==
        line_state::missing_mac);
}

TEST_CASE("an encrypted line needs a key, the right one, and its own file") {
  codec file(encrypting(plain_mode, cipher::xchacha20_poly1305));
  auto line = without_newline(file.line_of(golden_json("PENDING")));
  auto state_and_flag = [&](codec&& other) {
    auto parts = other.decoder.read_line(line);
    CHECK(parts.encrypted);
    CHECK(parts.json.empty());
    return parts.state;
  };
  CHECK(state_and_flag(codec(plain_mode)) == line_state::no_key);
  auto other_key = encrypting(plain_mode, cipher::xchacha20_poly1305);
  other_key.encryption.keys = {std::string(32, 'F')};
  CHECK(state_and_flag(codec(other_key)) == line_state::bad_body);
  CHECK(state_and_flag(codec(encrypting(plain_mode, cipher::xchacha20_poly1305), "wal-2.jsonl")) ==
        line_state::bad_body);
}

TEST_CASE("plain lines are read beside encrypted ones, with and without a key") {
  codec plain(plain_mode), encrypted(encrypting(plain_mode, cipher::xchacha20_poly1305));
  auto line = without_newline(plain.line_of(golden_json("PENDING")));
  auto parts = encrypted.decoder.read_line(line);
  CHECK(parts.json == golden_json("PENDING"));
  CHECK_FALSE(parts.encrypted);
  CHECK(encrypted.decoder.read_line(without_newline(encrypted.line_of("{}"))).json == "{}");
  CHECK(encrypted.decoder.read_line(line).json == golden_json("PENDING"));
}

TEST_CASE("switched off, a log reads what is encrypted and writes plain lines") {
  auto how = encrypting(plain_mode, cipher::xchacha20_poly1305);
  codec on(how);
  how.encryption.enabled = false;
  codec off(how);
  CHECK(off.line_of("{}") == "{}\t" + crc_of("{}") + "\n");
  CHECK(off.decoder.read_line(without_newline(on.line_of("{}"))).json == "{}");
  std::string header;
  off.encoder.append_header(header, "2026-01-01T00:00:00Z");
  CHECK(header.empty());
}

TEST_CASE("an encrypted file begins with a plain line that tells cipher and key") {
  codec file(encrypting(mac_mode, cipher::xchacha20_poly1305));
  std::string header = "before\n";
  file.encoder.append_header(header, "2026-01-01T00:00:00Z");
  const auto line = without_newline(header.substr(7));
  codec reader(strict_mode);
  auto parts = reader.decoder.read_line(line);
  CHECK(parts.state == line_state::whole);
  CHECK_FALSE(parts.encrypted);
  CHECK(parts.json == R"({"version":2,"status":"SEGMENT","timestamp":"2026-01-01T00:00:00Z",)"
                      R"("entry_type":"segment","segment":"wal-1700000000000000000.jsonl",)"
                      R"("cipher":"xchacha20-poly1305","key_id":")" +
                          std::string(file.format->keys().current_id()) + "\"}");
  auto entry = core::parse_entry(parts.json);
  REQUIRE(entry.ok());
  CHECK_FALSE(core::parse_status(entry->status));
}

TEST_CASE("the length of a stored line is known before it is made") {
  for (const auto& how : {plain_mode, mac_mode, encrypting(plain_mode, ciphers_here().front()),
                          encrypting(mac_mode, ciphers_here().front()),
                          encrypting(mac_mode, cipher::xchacha20_poly1305)}) {
    codec file(how);
    for (std::size_t size = 0; size < 100; ++size)
      CHECK(file.format->line_bytes(size) + 1 == file.line_of(std::string(size, 'x')).size());
  }
}

TEST_CASE("readers and writers of several files don't disturb each other") {
  const auto how = encrypting(mac_mode, cipher::xchacha20_poly1305);
  auto format = codec::made(how);
  line_encoder first(*format, "wal-1.jsonl"), second(*format, "wal-2.jsonl");
  line_decoder read_first(*format, "wal-1.jsonl"), read_second(*format, "wal-2.jsonl");
  std::vector<std::string> lines(4);
  first.append_line(lines[0], "{\"a\":1}");
  second.append_line(lines[1], "{\"b\":2}");
  first.append_line(lines[2], "{\"c\":3}");
  second.append_line(lines[3], "{\"d\":4}");
  for (auto& line : lines) line = without_newline(line);
  auto one = read_first.read_line(lines[0]);
  auto two = read_second.read_line(lines[1]);
  CHECK(one.json == "{\"a\":1}");
  CHECK(two.json == "{\"b\":2}");
  CHECK(read_first.read_line(lines[2]).json == "{\"c\":3}");
  CHECK(two.json == "{\"b\":2}");
  CHECK(read_second.read_line(lines[3]).json == "{\"d\":4}");
  CHECK(read_first.read_line(lines[1]).state == line_state::bad_body);
  CHECK(read_first.read_line(lines[0]).json == "{\"a\":1}");
}
