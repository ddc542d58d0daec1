// How many requests a source may make in a minute (section 3.3 of the v0.1.2 behaviour).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace nexus::ingest {

/// Where time that never steps back comes from; tests bring their own.
using steady_clock_fn = std::function<std::chrono::steady_clock::time_point()>;

/// Counts requests in fixed windows of 60 seconds, one window at a time for each key, starting at
/// the key's first request. Holds one record a key, so callers use keys of a bounded set (names of
/// sources). Any thread.
class rate_limiter {
 public:
  explicit rate_limiter(steady_clock_fn clock) : clock_(std::move(clock)) {}

  /// Counts one request. Nothing: it may pass; else the seconds (1 to 60) after which to try again.
  /// The limit is taken over when a window starts; the first request of a window always passes.
  std::optional<std::int64_t> count(const std::string& key, std::int64_t requests_per_minute);

  /// Keys held.
  std::size_t size() const;

 private:
  struct window {
    std::chrono::steady_clock::time_point start;
    std::int64_t limit = 0;
    std::int64_t requests = 0;
  };

  steady_clock_fn clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, window> windows_;
};

}  // namespace nexus::ingest
