// A JSON value as the text that a mapped field or a metadata value gets (section 3.5 of the v0.1.2
// behaviour).
#pragma once

#include <string>
#include <string_view>

namespace nexus::mapping {

/// The text of a validated raw value. String: unescaped. Number: an integer literal as it is
/// spelled, any other as the shortest decimal of its float64, without exponent (1.50 -> 1.5, 1e3 ->
/// 1000, 1E400 -> +Inf). Boolean: true, false. null: empty. Array, object: as it is spelled.
std::string value_text(std::string_view raw);

/// The nearest float64 of a number: infinite above its range, zero below it. Text that is no number
/// is 0.
double parse_number(std::string_view text);

/// Whether a validated raw value counts as true: true, a number but 0, and the strings 1, t and
/// true in any case.
bool is_trueish(std::string_view raw);

/// Whether it counts as false: false, null, 0, and the strings 0, f and false in any case. Most
/// strings count as neither.
bool is_falseish(std::string_view raw);

}  // namespace nexus::mapping
