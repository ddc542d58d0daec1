// float32 numbers in JSON: embeddings, in the spelling of the reference (section 1.4 of the v0.1.2
// behaviour).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::core::json {

/// A raw JSON number as float32. One too small for it becomes 0; nothing if it is too large, or no
/// number.
std::optional<float> parse_float32(std::string_view raw);

/// Appends the shortest digits that read back as the same number, which must be finite.
void append_float32(std::string& out, float value);

/// A JSON array of them.
std::string float32_array(const std::vector<float>& values);

}  // namespace nexus::core::json
