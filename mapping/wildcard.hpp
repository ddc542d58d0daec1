// Patterns with `*` and `?`.
#pragma once

#include <string_view>

namespace nexus::mapping {

/// Whether all of `text` fits: `*` stands for any number of characters, `?` for one (a byte that is
/// not UTF-8 counts as one), and a backslash takes the next character as it is. Never more steps
/// than the product of both lengths.
bool fits_pattern(std::string_view text, std::string_view pattern) noexcept;

}  // namespace nexus::mapping
