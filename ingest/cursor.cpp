#include "ingest/cursor.hpp"

#include <sodium.h>

#include <array>
#include <charconv>
#include <cstdint>

namespace nexus::ingest {
namespace {

constexpr int variant = sodium_base64_VARIANT_URLSAFE;
constexpr std::size_t digits_max = 20;

}  // namespace

std::string encode_cursor(std::size_t offset) {
  const std::string digits = std::to_string(offset);
  std::array<char, sodium_base64_ENCODED_LEN(digits_max, variant)> text{};
  return sodium_bin2base64(text.data(), text.size(),
                           reinterpret_cast<const unsigned char*>(digits.data()), digits.size(),
                           variant);
}

std::optional<std::size_t> decode_cursor(std::string_view cursor) {
  if (cursor.empty()) return 0;
  std::array<char, digits_max> digits{};
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(digits.data()), digits.size(),
                        cursor.data(), cursor.size(), nullptr, &size, nullptr, variant) != 0)
    return std::nullopt;
  // Signed: databases take offsets as 64-bit signed integers.
  std::int64_t offset = 0;
  const auto done = std::from_chars(digits.data(), digits.data() + size, offset);
  if (done.ec != std::errc() || done.ptr != digits.data() + size || offset < 0) return std::nullopt;
  return static_cast<std::size_t>(offset);
}

}  // namespace nexus::ingest
