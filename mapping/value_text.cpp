#include "mapping/value_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "core/ascii.hpp"
#include "core/json_text.hpp"

namespace nexus::mapping {
namespace {

bool is_integer_literal(std::string_view raw) {
  return raw.find_first_of(".eE") == std::string_view::npos;
}

/// The text of a string, in lower case.
std::string lower_text(std::string_view raw) {
  return core::to_lower(core::json::unquote(raw));
}

// std::to_chars in fixed notation would print all digits of a large value (1e23 as
// 99999999999999991611392): the shortest digits come from scientific notation, and the point is
// moved here.
std::string plain_decimal(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                 std::chars_format::scientific);
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.data()));
  const auto mark = text.find('e');
  std::string digits(text.substr(0, 1));
  if (mark > 2) digits += text.substr(2, mark - 2);
  const long exponent = std::strtol(std::string(text.substr(mark + 1)).c_str(), nullptr, 10);

  std::string out = std::signbit(value) ? "-" : "";
  if (exponent < 0)
    return out.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out.append(digits).append(whole - digits.size(), '0');
  return out.append(digits, 0, whole).append(".").append(digits, whole);
}

}  // namespace

std::string value_text(std::string_view raw) {
  switch (core::json::kind_of(raw)) {
    case core::json::kind::string:
      return core::json::unquote(raw);
    case core::json::kind::number:
      return is_integer_literal(raw) ? std::string(raw) : plain_decimal(parse_number(raw));
    case core::json::kind::null:
      return "";
    case core::json::kind::boolean:
    case core::json::kind::array:
    case core::json::kind::object:
      break;
  }
  return std::string(raw);
}

double parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ptr != text.data() + text.size()) return 0;
  if (done.ec == std::errc::result_out_of_range)
    return std::strtod(std::string(text).c_str(), nullptr);
  return value;
}

bool is_trueish(std::string_view raw) {
  switch (core::json::kind_of(raw)) {
    case core::json::kind::boolean:
      return raw == "true";
    case core::json::kind::number:
      return parse_number(raw) != 0;
    case core::json::kind::string: {
      const std::string text = lower_text(raw);
      return text == "1" || text == "t" || text == "true";
    }
    case core::json::kind::null:
    case core::json::kind::array:
    case core::json::kind::object:
      break;
  }
  return false;
}

bool is_falseish(std::string_view raw) {
  switch (core::json::kind_of(raw)) {
    case core::json::kind::null:
      return true;
    case core::json::kind::boolean:
      return raw == "false";
    case core::json::kind::number:
      return parse_number(raw) == 0;
    case core::json::kind::string: {
      const std::string text = lower_text(raw);
      return text == "0" || text == "f" || text == "false";
    }
    case core::json::kind::array:
    case core::json::kind::object:
      break;
  }
  return false;
}

}  // namespace nexus::mapping
