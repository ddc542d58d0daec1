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

}  // namespace nexus::mapping
