#include "wal/format.hpp"

#include <libdeflate.h>
#include <sodium.h>

#include <cstdlib>
#include <cstring>

namespace nexus::wal {
namespace {

static_assert(sizeof(crypto_auth_hmacsha256_state) <= 512);

constexpr std::size_t crc_digits = 8;
constexpr std::size_t hmac_digits = 2 * crypto_auth_hmacsha256_BYTES;

std::array<char, crc_digits> crc_hex(std::string_view json) {
  // zlib's CRC, with the processor's own instructions where it has them: several times as fast.
  auto value = ::libdeflate_crc32(0, json.data(), json.size());
  std::array<char, crc_digits> hex;
  for (std::size_t i = crc_digits; i-- > 0; value >>= 4) hex[i] = "0123456789abcdef"[value & 15];
  return hex;
}

/// The HMAC as a file may spell it: either case.
bool same_hex(std::string_view stored, const std::array<char, hmac_digits>& expected) {
  if (stored.size() != hmac_digits) return false;
  std::array<char, hmac_digits> lower;
  for (std::size_t i = 0; i < hmac_digits; ++i)
    lower[i] =
        stored[i] >= 'A' && stored[i] <= 'F' ? static_cast<char>(stored[i] - 'A' + 'a') : stored[i];
  return sodium_memcmp(lower.data(), expected.data(), hmac_digits) == 0;
}

}  // namespace

line_format::line_format(integrity_mode mode, std::string_view key, bool accept_unsigned)
    : mode_(mode), accept_unsigned_(accept_unsigned) {
  if (sodium_init() < 0) std::abort();
  crypto_auth_hmacsha256_state state;
  const char* bytes = key.empty() ? "" : key.data();  // libsodium wants no null pointer
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(bytes), key.size());
  std::memcpy(keyed_state_.data(), &state, sizeof(state));
  sodium_memzero(&state, sizeof(state));
}

line_format::~line_format() {
  sodium_memzero(keyed_state_.data(), keyed_state_.size());
}

std::array<char, hmac_digits> line_format::hmac_hex(std::string_view json) const {
  crypto_auth_hmacsha256_state state;
  std::memcpy(&state, keyed_state_.data(), sizeof(state));
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac;
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(json.data()),
                                json.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::array<char, hmac_digits + 1> hex;  // libsodium ends it with a NUL
  sodium_bin2hex(hex.data(), hex.size(), mac.data(), mac.size());
  std::array<char, hmac_digits> digits;
  std::memcpy(digits.data(), hex.data(), hmac_digits);
  return digits;
}

void line_format::append_line(std::string& out, std::string_view json) const {
  auto start = out.size();
  out += json;
  finish_line(out, start);
}

void line_format::finish_line(std::string& out, std::size_t start) const {
  auto json = std::string_view(out).substr(start);
  auto crc = crc_hex(json);
  if (mode_ == integrity_mode::mac) {
    auto mac = hmac_hex(json);
    (out += '\t').append(crc.data(), crc.size());
    (out += '\t').append(mac.data(), mac.size());
  } else {
    (out += '\t').append(crc.data(), crc.size());
  }
  out += '\n';
}

line_parts line_format::read_line(std::string_view line) const {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.empty()) return {line_state::blank, {}};
  auto first_tab = line.find('\t');
  if (first_tab == line.npos) return {line_state::torn, {}};
  auto json = line.substr(0, first_tab);
  auto rest = line.substr(first_tab + 1);
  auto second_tab = rest.find('\t');
  auto expected = crc_hex(json);
  if (rest.substr(0, second_tab) != std::string_view(expected.data(), expected.size()))
    return {line_state::bad_crc, json};
  if (mode_ == integrity_mode::mac) {
    if (second_tab == rest.npos)
      return {accept_unsigned_ ? line_state::whole : line_state::missing_mac, json};
    if (!same_hex(rest.substr(second_tab + 1), hmac_hex(json))) return {line_state::bad_mac, json};
  }
  return {line_state::whole, json};
}

}  // namespace nexus::wal
