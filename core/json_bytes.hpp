// Classes of bytes in JSON text, shared by the scanner and the speller.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

// Strings are most of a payload, so they are searched a block of bytes at a time: 16 with SSE2
// (every x86-64 has it), 8 in a plain word elsewhere. A question to a block is answered by `found`:
// in which bytes it is so; answers are joined with |, and only the first such byte can be asked
// for.
#ifdef __SSE2__
class block {
 public:
  static constexpr std::ptrdiff_t size = 16;
  explicit block(const char* at) noexcept
      : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at))) {}

  class found {
   public:
    explicit found(__m128i high_bits) noexcept : bits_(high_bits) {}
    found operator|(found other) const noexcept { return found(_mm_or_si128(bits_, other.bits_)); }
    /// One bit for each byte, the lowest for the first byte; 0 if there is none.
    unsigned mask() const noexcept { return static_cast<unsigned>(_mm_movemask_epi8(bits_)); }

   private:
    __m128i bits_;
  };

  /// The number of the first byte of a mask that is not 0.
  static int first(unsigned mask) noexcept { return std::countr_zero(mask); }
  /// Bytes with a value below `limit`.
  found below(int limit) const noexcept {
    auto least = _mm_min_epu8(bytes_, _mm_set1_epi8(static_cast<char>(limit - 1)));
    return found(_mm_cmpeq_epi8(least, bytes_));
  }
  /// Bytes that are `value` once the bits of `set` are set: finds two that differ in one bit.
  found equal(int value, int set = 0) const noexcept {
    auto bytes = _mm_or_si128(bytes_, _mm_set1_epi8(static_cast<char>(set)));
    return found(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(static_cast<char>(value))));
  }
  /// Bytes from 0x80 on.
  found beyond_ascii() const noexcept { return found(bytes_); }

 private:
  __m128i bytes_;
};
#else
class block {
 public:
  static constexpr std::ptrdiff_t size = 8;
  explicit block(const char* at) noexcept {
    for (int i = size; i-- > 0;) word_ = word_ << 8 | static_cast<unsigned char>(at[i]);
  }

  class found {
   public:
    explicit found(std::uint64_t bits) noexcept : bits_(bits) {}
    found operator|(found other) const noexcept { return found(bits_ | other.bits_); }
    std::uint64_t mask() const noexcept { return bits_; }

   private:
    std::uint64_t bits_;
  };

  static int first(std::uint64_t mask) noexcept { return std::countr_zero(mask) / 8; }
  found below(std::uint64_t limit) const noexcept { return below(word_, limit); }
  found equal(std::uint64_t value, std::uint64_t set = 0) const noexcept {
    return below((word_ | set * each_byte) ^ value * each_byte, 1);
  }
  found beyond_ascii() const noexcept { return found(word_ & high_bits); }

 private:
  static constexpr std::uint64_t each_byte = 0x0101010101010101;
  static constexpr std::uint64_t high_bits = 0x8080808080808080;
  /// A borrow may set bits above (never below) the first one that is right.
  static found below(std::uint64_t word, std::uint64_t limit) noexcept {
    return found((word - limit * each_byte) & ~word & high_bits);
  }
  std::uint64_t word_ = 0;
};
#endif

/// The first byte from `at` on for which `is_wanted` holds, or `end`. `wanted_in` says the same of
/// a block.
template <class WantedIn, class IsWanted>
const char* find_byte(const char* at, const char* end, WantedIn wanted_in, IsWanted is_wanted) {
  if (end - at < block::size) {
    while (at != end && !is_wanted(static_cast<unsigned char>(*at))) ++at;
    return at;
  }
  // Most strings are short.
  if (auto mask = wanted_in(block(at)).mask()) return at + block::first(mask);
  at += block::size;
  // Two at a time while there is nothing: one branch for both.
  while (end - at >= 2 * block::size &&
         (wanted_in(block(at)) | wanted_in(block(at + block::size))).mask() == 0)
    at += 2 * block::size;
  for (; end - at >= block::size; at += block::size)
    if (auto mask = wanted_in(block(at)).mask()) return at + block::first(mask);
  if (at == end) return end;
  // The last block begins before what is left, where nothing was found.
  at = end - block::size;
  const auto mask = wanted_in(block(at)).mask();
  return mask == 0 ? end : at + block::first(mask);
}

/// The first byte from `at` on that does not stand for itself inside a string: `"`, `\` or a
/// control character; `end` if there is none.
inline const char* skip_plain(const char* at, const char* end) {
  return find_byte(
      at, end, [](block bytes) { return bytes.below(0x20) | bytes.equal('"') | bytes.equal('\\'); },
      [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });
}

/// The first byte from `at` on at which a string ends, has an escape or a control character, or may
/// be spelled in another way by the reference (`<`, `>`, `&`, or 0xE2, with which U+2028 and U+2029
/// begin); `end` if there is none.
inline const char* skip_compact(const char* at, const char* end) {
  return find_byte(
      at, end,
      [](block bytes) {
        // `"` and `&` differ in one bit, and so do `<` and `>`.
        return bytes.below(0x20) | bytes.equal('\\') | bytes.equal('&', 0x04) |
               bytes.equal('>', 0x02) | bytes.equal(0xE2);
      },
      [](unsigned char c) {
        return c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0xE2;
      });
}

/// Whether U+2028 or U+2029 stands at `at`.
inline bool is_line_separator(const char* at, const char* end) {
  return end - at >= 3 && at[0] == '\xE2' && at[1] == '\x80' &&
         (at[2] == '\xA8' || at[2] == '\xA9');
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
