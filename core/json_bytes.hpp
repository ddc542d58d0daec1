// Classes of bytes in JSON text, shared by the scanner and the speller.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace nexus::core::json {

inline bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The value of a hex digit; -1 if it is none.
inline int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Strings are most of a payload, so they are searched eight bytes at a time. The functions below
// set the high bit of each byte of the result that is looked for; a borrow may set bits above
// (never below) the first one that is right, so only the lowest set bit is used.
inline constexpr std::uint64_t each_byte = 0x0101010101010101;
inline constexpr std::uint64_t high_bits = 0x8080808080808080;

constexpr std::uint64_t bytes_below(std::uint64_t word, std::uint64_t limit) {
  return (word - limit * each_byte) & ~word & high_bits;
}
constexpr std::uint64_t bytes_equal(std::uint64_t word, std::uint64_t value) {
  return bytes_below(word ^ (value * each_byte), 1);
}

/// The first byte from `at` on for which `is_wanted` holds, or `end`. `wanted_in` says the same of
/// eight bytes at once, as above.
template <class WantedIn, class IsWanted>
const char* find_byte(const char* at, const char* end, WantedIn wanted_in, IsWanted is_wanted) {
  if constexpr (std::endian::native == std::endian::little) {
    for (; end - at >= 8; at += 8) {
      std::uint64_t word;
      std::memcpy(&word, at, sizeof(word));
      if (auto found = wanted_in(word)) return at + std::countr_zero(found) / 8;
    }
  }
  while (at != end && !is_wanted(static_cast<unsigned char>(*at))) ++at;
  return at;
}

/// The first byte from `at` on that does not stand for itself inside a string: `"`, `\` or a
/// control character; `end` if there is none.
inline const char* skip_plain(const char* at, const char* end) {
  return find_byte(
      at, end,
      [](std::uint64_t word) {
        return bytes_below(word, 0x20) | bytes_equal(word, '"') | bytes_equal(word, '\\');
      },
      [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });
}

/// The byte after a string that starts at `at`, in validated text.
inline const char* skip_string(const char* at, const char* end) {
  ++at;
  for (;;) {
    at = skip_plain(at, end);
    if (*at == '"') return at + 1;
    at += 2;  // an escape; the digits of \u are plain
  }
}

/// The first byte from `at` on that is no white space.
inline const char* skip_space(const char* at, const char* end) {
  while (at != end && is_space(*at)) ++at;
  return at;
}

}  // namespace nexus::core::json
