// What to do with an entry after an attempt to deliver it, and when. Pure rules: no clock, no
// threads, no randomness of their own. The delays are exponential backoff with full jitter.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "destinations/destination.hpp"

namespace nexus::destinations {

/// How often and how fast to try again; one for each destination.
struct retry_policy {
  /// Attempts in which the destination was reachable, the first one included. 0 is taken as 1.
  std::uint32_t max_attempts = 5;
  /// Upper bound of the delay after the first attempt; doubles with each further one.
  std::chrono::milliseconds initial_backoff{1'000};
  /// Upper bound of every delay that we choose ourselves.
  std::chrono::milliseconds max_backoff{60'000};

  bool operator==(const retry_policy&) const = default;
};

/// A destination may ask to be left alone for this long at most; a longer wish is cut to it, so
/// that a wrong header (a date in the far future) cannot stop the delivery for good.
inline constexpr std::chrono::milliseconds retry_after_max = std::chrono::hours(1);

/// How long to wait before the next attempt: a random part of min(max_backoff, initial_backoff *
/// 2^(attempt - 1)), but never less than what the destination asked for (cut to `retry_after_max`,
/// which may lie above max_backoff). `attempt`: attempts made so far, counted from 1. `random`:
/// uniform in [0, 1).
std::chrono::milliseconds next_delay(
    const retry_policy& policy, std::uint32_t attempt, double random,
    std::optional<std::chrono::milliseconds> retry_after = {}) noexcept;

/// What to do with an entry.
enum class reaction : std::uint8_t {
  done,   ///< Report it as delivered.
  retry,  ///< Try it again after `delay`.
  wait,   ///< Keep it until the destination answers again; the attempt does not count.
  pause,  ///< Keep it and stop this destination until a person has mended it; the attempt does not
          ///< count.
  dead_letter,  ///< Report it as a permanent failure, with `reason`.
};

/// The answer of `judge`.
struct verdict {
  reaction what = reaction::done;
  /// For `retry`: the delay. For `wait` and `pause`: the least time to leave the destination alone,
  /// 0 if it named none; when it is asked again is the circuit breaker's affair.
  std::chrono::milliseconds delay{0};
  /// Attempts that count, this one included if it does. Give it to the next call as
  /// `attempts_before`.
  std::uint32_t attempts = 0;
  /// For everything but `done`: why, one line.
  std::string reason;
};

/// What to do with an entry after `result`. `attempts_before`: counted attempts before this one.
/// `random`: as above.
verdict judge(const retry_policy& policy, const outcome& result, std::uint32_t attempts_before,
              double random);

}  // namespace nexus::destinations
