// The lines of the interaction log, against decoders that share no code with ours.
#include "audit/line.hpp"

#include <sodium.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <string>

#include "core/base64.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;

namespace {

const std::string mac_key = "01234567890123456789012345678901";
const std::string key = "abcdefghijklmnopqrstuvwxyz012345";
const std::string json = R"({"a":"b \u003c"})";

std::string crc_of(const std::string& text) {
  const auto value =
      ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()));
  std::array<char, 9> hex{};
  std::snprintf(hex.data(), hex.size(), "%08lx", value);
  return hex.data();
}

std::string line_of(const audit::line_options& how, const std::string& text = json) {
  std::string line;
  audit::line_codec(how).append_line(line, text);
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  return line;
}

}  // namespace

TEST_CASE("a line is its JSON and the CRC of it") {
  CHECK(line_of({}) == json + "\t" + crc_of(json));
  CHECK(audit::line_codec({}).read_line(json + "\t" + crc_of(json)) == json);
}

TEST_CASE("in mode mac the HMAC of the JSON follows") {
  std::array<unsigned char, 32> mac{};
  crypto_auth_hmacsha256(mac.data(), reinterpret_cast<const unsigned char*>(json.data()),
                         json.size(), reinterpret_cast<const unsigned char*>(mac_key.data()));
  std::array<char, 65> hex{};
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  CHECK(line_of({mac_key, "", false}) == json + "\t" + crc_of(json) + "\t" + hex.data());
}

TEST_CASE("an encrypted line opens with another implementation of AES-256-GCM") {
  const std::string line = line_of({"", key, true});
  const std::string body = line.substr(0, line.find('\t'));
  CHECK(line.substr(line.find('\t') + 1) == crc_of(body));
  std::string bytes;
  REQUIRE(core::decode_base64(bytes, body));
  REQUIRE(bytes.size() == 5 + 12 + json.size() + 16);
  CHECK(bytes.substr(0, 5) == std::string("\x01\x00\x00\x00\x01", 5));
  REQUIRE(sodium_init() >= 0);
  if (crypto_aead_aes256gcm_is_available() == 0) return;  // only where the CPU has it
  std::string text(json.size(), '\0');
  const auto* raw = reinterpret_cast<const unsigned char*>(bytes.data());
  CHECK(crypto_aead_aes256gcm_decrypt(reinterpret_cast<unsigned char*>(text.data()), nullptr,
                                      nullptr, raw + 17, bytes.size() - 17, nullptr, 0, raw + 5,
                                      reinterpret_cast<const unsigned char*>(key.data())) == 0);
  CHECK(text == json);
}

TEST_CASE("every kind of line is read back, and two of one JSON never look alike encrypted") {
  for (const bool encrypts : {false, true})
    for (const auto& mac : {std::string(), mac_key}) {
      const audit::line_options how{mac, key, encrypts};
      CHECK(audit::line_codec(how).read_line(line_of(how)) == json);
      CHECK(audit::line_codec(how).read_line(line_of(how, "{}")) == "{}");
    }
  CHECK(line_of({"", key, true}) != line_of({"", key, true}));
}

TEST_CASE("plain lines are read with encryption on, and encrypted ones with it off") {
  CHECK(audit::line_codec({"", key, true}).read_line(line_of({})) == json);
  CHECK(audit::line_codec({"", key, false}).read_line(line_of({"", key, true})) == json);
  CHECK_FALSE(audit::line_codec({}).read_line(line_of({"", key, true})));
  CHECK_FALSE(
      audit::line_codec({"", std::string(32, 'x'), false}).read_line(line_of({"", key, true})));
}

TEST_CASE("a line of which any byte was changed, or that was cut off, is not read") {
  for (const auto& how : {audit::line_options{}, audit::line_options{mac_key, "", false},
                          audit::line_options{mac_key, key, true}}) {
    const audit::line_codec codec(how);
    const std::string line = line_of(how);
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::string changed = line;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      CHECK_FALSE(codec.read_line(changed));
      CHECK_FALSE(codec.read_line(line.substr(0, i)));
    }
  }
}

TEST_CASE(
    "in mode mac a line whose CRC was mended does not count, and neither does one without its "
    "HMAC") {
  const audit::line_codec codec({mac_key, "", false});
  const std::string mac = line_of({mac_key, "", false}).substr(json.size() + 9);
  const std::string other = R"({"a":"c"})";
  CHECK_FALSE(codec.read_line(other + "\t" + crc_of(other) + mac));
  CHECK_FALSE(codec.read_line(json + "\t" + crc_of(json)));
}
