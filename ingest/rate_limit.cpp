#include "ingest/rate_limit.hpp"

#include <algorithm>

namespace nexus::ingest {

std::optional<std::int64_t> rate_limiter::count(const std::string& key,
                                                std::int64_t requests_per_minute) {
  constexpr std::chrono::seconds length{60};
  const auto now = clock_();
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = windows_.try_emplace(key);
  window& current = at->second;
  if (is_new || now - current.start >= length) {
    current = {now, requests_per_minute, 1};
    return std::nullopt;
  }
  if (current.requests < current.limit) {
    ++current.requests;
    return std::nullopt;
  }
  const auto remaining =
      std::chrono::floor<std::chrono::seconds>(current.start + length - now).count();
  return std::clamp<std::int64_t>(remaining + 1, 1, length.count());
}

std::size_t rate_limiter::size() const {
  const std::lock_guard lock(mutex_);
  return windows_.size();
}

}  // namespace nexus::ingest
