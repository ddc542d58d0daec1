#include "core/float_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace nexus::core::json {
namespace {

/// Lays shortest digits out without an exponent; `exponent` is that of the first digit.
void append_plain(std::string& out, const std::string& digits, int exponent) {
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) {
    out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  } else if (exponent >= count - 1) {
    out.append(digits).append(static_cast<std::size_t>(exponent - count + 1), '0');
  } else {
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    out.append(digits, 0, whole).append(1, '.').append(digits, whole);
  }
}

}  // namespace

std::optional<float> parse_float32(std::string_view raw) {
  float value = 0;
  const char* end = raw.data() + raw.size();
  if (std::from_chars(raw.data(), end, value).ec == std::errc{}) return value;
  long double wide = 0;
  if (std::from_chars(raw.data(), end, wide).ec != std::errc{}) return std::nullopt;
  if (std::fabs(wide) >= 1) return std::nullopt;
  return 0.0F;
}

// std::to_chars cannot do the plain form by itself: it writes all digits of large numbers, not the
// shortest.
void append_float32(std::string& out, float value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::scientific);
  std::string text(buffer.data(), end.ptr);
  const std::size_t mark = text.find('e');
  const float size = std::fabs(value);
  if (size != 0 && (size < 1e-6F || size >= 1e21F)) {
    if (text.compare(mark, 3, "e-0") == 0) text.erase(mark + 2, 1);
    out += text;
    return;
  }
  int exponent = 0;
  const std::size_t first = mark + (text[mark + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + first, text.data() + text.size(), exponent);
  std::string digits = text.substr(0, mark);
  if (digits.front() == '-') {
    out += '-';
    digits.erase(0, 1);
  }
  if (digits.size() > 1) digits.erase(1, 1);
  append_plain(out, digits, exponent);
}

std::string float32_array(const std::vector<float>& values) {
  std::string out = "[";
  for (const float value : values) {
    if (out.size() > 1) out += ',';
    append_float32(out, value);
  }
  return out += ']';
}

}  // namespace nexus::core::json
