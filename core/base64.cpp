#include "core/base64.hpp"

#include <array>
#include <cstdint>

namespace nexus::core {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t not_a_digit = 64;

constexpr std::array<std::uint8_t, 256> digit_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_a_digit);
  for (std::uint8_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = i;
  return values;
}();

}  // namespace

void append_base64(std::string& out, std::string_view bytes) {
  const auto start = out.size();
  out.resize(start + base64_digits(bytes.size()));
  char* to = out.data() + start;
  const auto put = [&](std::uint32_t group, int digits) {
    for (int i = 0; i < digits; ++i) *to++ = alphabet[group >> (18 - 6 * i) & 63];
  };
  const auto byte = [&](std::size_t at) {
    return std::uint32_t{static_cast<unsigned char>(bytes[at])};
  };
  std::size_t at = 0;
  for (; at + 3 <= bytes.size(); at += 3) put(byte(at) << 16 | byte(at + 1) << 8 | byte(at + 2), 4);
  if (bytes.size() - at == 1) {
    put(byte(at) << 16, 2);
    *to++ = '=';
    *to++ = '=';
  } else if (bytes.size() - at == 2) {
    put(byte(at) << 16 | byte(at + 1) << 8, 3);
    *to++ = '=';
  }
}

bool decode_base64(std::string& out, std::string_view text) {
  if (text.size() % 4 != 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const auto digits = text.substr(0, text.size() - padding);
  out.resize(text.size() / 4 * 3);
  char* to = out.data();
  std::uint32_t group = 0;
  std::uint32_t seen = 0;  // all values or-ed: a bad digit leaves its mark
  const auto take = [&](std::size_t at) {
    const std::uint32_t value = digit_values[static_cast<unsigned char>(digits[at])];
    seen |= value;
    group = group << 6 | value;
  };
  const auto put = [&](int bytes) {
    for (int i = 0; i < bytes; ++i) *to++ = static_cast<char>(group >> (16 - 8 * i) & 255);
  };
  std::size_t at = 0;
  for (; at + 4 <= digits.size(); at += 4) {
    for (std::size_t i = 0; i < 4; ++i) take(at + i);
    put(3);
  }
  group = 0;
  for (; at < digits.size(); ++at) take(at);
  group <<= 6 * padding;
  if (padding > 0) put(3 - static_cast<int>(padding));
  out.resize(static_cast<std::size_t>(to - out.data()));
  const bool bits_left = padding > 0 && (group & (padding == 1 ? 0xffu : 0xffffu)) != 0;
  return seen < not_a_digit && !bits_left;
}

}  // namespace nexus::core
