#include "mapping/wildcard.hpp"

#include <cstddef>

namespace nexus::mapping {
namespace {

std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0xC2 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  if (byte(0) > 0xF4 || length > text.size()) return 1;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 1;
  return length;
}

/// How much of `pattern` its first element takes that is no star.
std::size_t element_length(std::string_view pattern) {
  return pattern[0] == '\\' && pattern.size() > 1 ? 2 : 1;
}

/// How much of `text` the first element of `pattern` takes, 0 if it does not fit.
std::size_t fitting_length(std::string_view text, std::string_view pattern) {
  if (pattern[0] == '?') return character_length(text);
  return text[0] == pattern[element_length(pattern) - 1] ? 1 : 0;
}

}  // namespace

// Going back to the last star is enough: whatever an earlier one could give up, the last can take.
bool fits_pattern(std::string_view text, std::string_view pattern) noexcept {
  std::string_view after_star, star_text;
  bool starred = false;
  while (!text.empty()) {
    if (!pattern.empty() && pattern[0] == '*') {
      pattern.remove_prefix(1);
      after_star = pattern;
      star_text = text;
      starred = true;
      continue;
    }
    const std::size_t taken = pattern.empty() ? 0 : fitting_length(text, pattern);
    if (taken > 0) {
      text.remove_prefix(taken);
      pattern.remove_prefix(element_length(pattern));
      continue;
    }
    if (!starred) return false;
    star_text.remove_prefix(character_length(star_text));
    text = star_text;
    pattern = after_star;
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace nexus::mapping
