// Points in time as RFC 3339 text, in the spelling of the reference (section 1.4 of the v0.1.2
// behaviour).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::core {

/// Nanoseconds since the epoch, UTC. Covers the years 1678 to 2262.
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// Where "now" comes from; tests bring their own.
using wall_clock = std::function<time_point()>;

/// The machine's clock.
time_point now();

/// UTC with up to nine fractional digits, trailing zeros dropped, no fraction if zero:
/// 2026-04-07T01:02:03.12Z.
std::string format_timestamp(time_point when);

/// The time that `text` names; nothing if it is not RFC 3339 as the reference reads it, or outside
/// time_point's range.
std::optional<time_point> parse_timestamp(std::string_view text);

/// `text` re-spelled as the reference would write it back: fraction trimmed, offset kept. Nothing
/// if it is malformed.
std::optional<std::string> normalize_timestamp(std::string_view text);

/// The zero time, which the reference writes where no time was given.
inline constexpr std::string_view zero_timestamp = "0001-01-01T00:00:00Z";

}  // namespace nexus::core
