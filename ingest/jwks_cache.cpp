#include "ingest/jwks_cache.hpp"

#include <utility>

namespace nexus::ingest {
namespace {

constexpr std::chrono::minutes pause{1};
constexpr std::chrono::seconds pause_without_keys{10};
constexpr std::chrono::hours age_max{1};

core::counter& fetches(core::metrics& metrics, const char* result) {
  return metrics.get_counter("nexus_jwks_fetches_total", "Fetches of the keys for JSON Web Tokens",
                             {{"result", result}});
}

}  // namespace

jwks_cache::jwks_cache(fetch_fn fetch, core::logger_ptr log, core::metrics& metrics,
                       steady_clock_fn clock)
    : fetch_(std::move(fetch)),
      log_(std::move(log)),
      succeeded_(fetches(metrics, "ok")),
      failed_(fetches(metrics, "failed")),
      clock_(std::move(clock)) {}

void jwks_cache::use(const std::string& url) {
  std::function<void()> go;
  std::vector<std::function<void()>> settled;
  {
    const std::lock_guard lock(mutex_);
    if (url == url_) return;
    url_ = url;
    keys_ = std::make_shared<jwt_keys>();
    ever_asked_ = false;
    if (url.empty()) fetching_ = false;
    if (url.empty()) settled.swap(waiting_);
    if (!url.empty()) go = begin();
  }
  if (go) go();
  for (const auto& then : settled) then();
}

std::shared_ptr<const jwt_keys> jwks_cache::keys() {
  std::function<void()> go;
  std::shared_ptr<const jwt_keys> now;
  {
    const std::lock_guard lock(mutex_);
    now = keys_;
    const auto time = clock_();
    const bool old = keys_->size() > 0 && time - fetched_ >= age_max;
    if (old && !fetching_ && (!ever_asked_ || time - asked_ >= pause)) {
      asked_ = time;
      ever_asked_ = true;
      go = begin();
    }
  }
  if (go) go();
  return now;
}

bool jwks_cache::refresh() {
  std::function<void()> go;
  {
    const std::lock_guard lock(mutex_);
    if (url_.empty() || waiting_.size() >= waiting_max) return false;
    if (fetching_) return true;
    const auto now = clock_();
    const auto least = keys_->size() > 0 ? std::chrono::seconds(pause) : pause_without_keys;
    if (ever_asked_ && now - asked_ < least) return false;
    asked_ = now;
    ever_asked_ = true;
    go = begin();
  }
  go();
  return true;
}

std::function<void()> jwks_cache::begin() {
  fetching_ = true;
  return [self = shared_from_this(), url = url_] {
    self->fetch_(url, [self, url](core::result<std::string> fetched) {
      self->take(url, std::move(fetched));
    });
  };
}

void jwks_cache::take(const std::string& url, core::result<std::string> fetched) {
  auto parsed = fetched ? jwt_keys::parse(*fetched)
                        : core::result<std::shared_ptr<const jwt_keys>>(fetched.reason());
  if (parsed) {
    succeeded_.add();
  } else {
    failed_.add();
    log_->warn("the keys for JSON Web Tokens could not be fetched: " + parsed.reason().text);
  }
  std::vector<std::function<void()>> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (url != url_) return;  // another fetch, from the new place, settles those who wait
    fetching_ = false;
    if (parsed) {
      keys_ = *parsed;
      fetched_ = clock_();
    }
    waiting.swap(waiting_);
  }
  for (const auto& then : waiting) then();
}

void jwks_cache::when_settled(std::function<void()> then) {
  {
    const std::lock_guard lock(mutex_);
    if (fetching_ && waiting_.size() < waiting_max) return waiting_.push_back(std::move(then));
  }
  then();
}

}  // namespace nexus::ingest
