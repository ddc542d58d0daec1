#include "ingest/security_log.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>

namespace nexus::ingest {
namespace {

class memory_log final : public security_log {
 public:
  explicit memory_log(core::wall_clock clock) : clock_(std::move(clock)) {}

  void record(security_event event) override {
    if (event.timestamp == core::time_point{}) event.timestamp = clock_();
    const std::lock_guard lock(mutex_);
    count(event);
    events_.push_front(std::move(event));
    if (events_.size() > security_log_options{}.recent_max) events_.pop_back();
  }

  std::vector<security_event> recent(std::size_t limit) const override {
    const std::lock_guard lock(mutex_);
    const auto end = events_.begin() + static_cast<std::ptrdiff_t>(std::min(limit, events_.size()));
    return {events_.begin(), end};
  }

  security_totals totals() const override {
    const std::lock_guard lock(mutex_);
    auto now = totals_;
    now.by_source.assign(by_source_.begin(), by_source_.end());
    return now;
  }

 private:
  void count(const security_event& event) {
    if (event.event_type == security_event_type::auth_failure) ++totals_.auth_failures;
    if (event.event_type == security_event_type::policy_denied) ++totals_.policy_denials;
    if (event.event_type == security_event_type::rate_limit_hit) ++totals_.rate_limit_hits;
    if (event.event_type == security_event_type::admin_access) ++totals_.admin_calls;
    if (!event.source.empty()) ++by_source_[event.source];
  }

  const core::wall_clock clock_;
  mutable std::mutex mutex_;
  std::deque<security_event> events_;  ///< newest first
  security_totals totals_;
  std::map<std::string, std::uint64_t> by_source_;
};

}  // namespace

security_log_ptr make_memory_security_log(core::wall_clock clock) {
  return std::make_shared<memory_log>(std::move(clock));
}

}  // namespace nexus::ingest
