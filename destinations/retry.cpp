#include "destinations/retry.hpp"

#include <algorithm>

namespace nexus::destinations {

namespace {

using std::chrono::milliseconds;

milliseconds asked_for(const std::optional<milliseconds>& retry_after) noexcept {
  return std::clamp(retry_after.value_or(milliseconds{0}), milliseconds{0}, retry_after_max);
}

/// min(max_backoff, initial_backoff * 2^(attempt - 1)), without overflow.
milliseconds ceiling(const retry_policy& policy, std::uint32_t attempt) noexcept {
  milliseconds bound = std::min(policy.initial_backoff, policy.max_backoff);
  for (std::uint32_t n = 1; n < attempt && bound < policy.max_backoff; ++n) {
    if (bound <= milliseconds{0}) break;
    bound = bound > policy.max_backoff / 2 ? policy.max_backoff : bound * 2;
  }
  return std::max(bound, milliseconds{0});
}

verdict after_transient(const retry_policy& policy, const outcome& result,
                        std::uint32_t attempts_before, double random) {
  const std::uint32_t attempts = attempts_before + 1;
  if (attempts >= policy.max_attempts) {
    return {reaction::dead_letter, milliseconds{0}, attempts,
            "gave up after attempt " + std::to_string(attempts) + ": " + result.reason};
  }
  return {reaction::retry, next_delay(policy, attempts, random, result.retry_after), attempts,
          result.reason};
}

}  // namespace

milliseconds next_delay(const retry_policy& policy, std::uint32_t attempt, double random,
                        std::optional<milliseconds> retry_after) noexcept {
  const auto bound = static_cast<double>(ceiling(policy, attempt).count());
  const milliseconds chosen{static_cast<milliseconds::rep>(bound * std::clamp(random, 0.0, 1.0))};
  return std::max(chosen, asked_for(retry_after));
}

verdict judge(const retry_policy& policy, const outcome& result, std::uint32_t attempts_before,
              double random) {
  switch (result.kind) {
    case outcome_kind::delivered:
      return {reaction::done, milliseconds{0}, attempts_before + 1, {}};
    case outcome_kind::unreachable:
      return {reaction::wait, asked_for(result.retry_after), attempts_before, result.reason};
    case outcome_kind::config_fault:
      return {reaction::pause, asked_for(result.retry_after), attempts_before, result.reason};
    case outcome_kind::permanent:
      return {reaction::dead_letter, milliseconds{0}, attempts_before + 1, result.reason};
    case outcome_kind::transient:
      break;
  }
  return after_transient(policy, result, attempts_before, random);
}

}  // namespace nexus::destinations
