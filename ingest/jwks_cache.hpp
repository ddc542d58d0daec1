// The keys that JSON Web Tokens are verified with, as they were fetched last (section 3.2 of the
// v0.1.2 behaviour).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "ingest/jwt.hpp"
#include "ingest/rate_limit.hpp"

namespace nexus::ingest {

/// Told once, from any thread: the document.
using fetch_done = std::function<void(core::result<std::string>)>;
/// Returns at once.
using fetch_fn = std::function<void(std::string url, fetch_done)>;

/// Fetches a JWK set at the start, once more when a token names a key that it does not know (at
/// most once a minute; every ten seconds as long as there are no keys at all), and when it is an
/// hour old and in use. After a failure the old keys stay. Any thread.
class jwks_cache : public std::enable_shared_from_this<jwks_cache> {
 public:
  /// More requests than these are not left waiting for keys.
  static constexpr std::size_t waiting_max = 64;

  jwks_cache(fetch_fn fetch, core::logger_ptr log, core::metrics& metrics, steady_clock_fn clock);

  /// Where the keys come from; empty: from nowhere. Fetches them if that is new.
  void use(const std::string& url);

  /// The keys as they are, possibly none; never null.
  std::shared_ptr<const jwt_keys> keys();

  /// A token names a key that is not there. True: a fetch is in progress, so that it may be there
  /// soon.
  bool refresh();

  /// Calls `then` once, when no fetch is in progress: at once, or at the end of it. At once also
  /// where `waiting_max` wait already: refresh() may have told more that they may wait.
  void when_settled(std::function<void()> then);

 private:
  using time_point = std::chrono::steady_clock::time_point;
  /// Begins a fetch; the caller has the mutex, and calls what this returns without it.
  std::function<void()> begin();
  void take(const std::string& url, core::result<std::string> fetched);

  const fetch_fn fetch_;
  const core::logger_ptr log_;
  core::counter& succeeded_;
  core::counter& failed_;
  const steady_clock_fn clock_;
  std::mutex mutex_;
  std::string url_;
  std::shared_ptr<const jwt_keys> keys_ = std::make_shared<jwt_keys>();
  bool fetching_ = false;
  time_point asked_{};       ///< when the last fetch began that was not the first
  bool ever_asked_ = false;  ///< there was one
  time_point fetched_{};     ///< when `keys_` came
  std::vector<std::function<void()>> waiting_;
};

}  // namespace nexus::ingest
