#include "cli/reloader.hpp"

#include <algorithm>
#include <utility>

namespace nexus::cli {

reloader::reloader(steps how, core::logger_ptr log)
    : how_(std::move(how)), log_(std::move(log)), thread_([this] { loop(); }) {}

reloader::~reloader() {
  stop();
}

void reloader::request(trigger by, ingest::reload_done done) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      orders_.push_back({by, std::move(done)});
      wake_.notify_one();
      return;
    }
  }
  if (done) done(core::error{core::errc::closed, "the program is stopping"});
}

void reloader::stop() {
  std::vector<order> left;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    left.swap(orders_);
    wake_.notify_one();
  }
  for (const auto& one : left)
    if (one.done) one.done(core::error{core::errc::closed, "the program is stopping"});
  if (thread_.joinable()) thread_.join();
}

void reloader::loop() {
  for (;;) {
    std::vector<order> now;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !orders_.empty(); });
      if (stopping_) return;
      now.swap(orders_);
    }
    const auto outcome = run();
    log_outcome(outcome, std::any_of(now.begin(), now.end(),
                                     [](const order& one) { return one.by == trigger::request; }));
    for (const auto& one : now)
      if (one.done) one.done(outcome);
  }
}

core::result<ingest::reload_report> reloader::run() const {
  auto loaded = how_.load();
  if (!loaded) return loaded.reason();
  return how_.apply(*std::move(loaded));
}

void reloader::log_outcome(const core::result<ingest::reload_report>& outcome,
                           bool somebody_asked) {
  if (!outcome) {
    if (outcome.reason().code == core::errc::closed) return;
    // A file that is wrong must not fill the log each time that one beside it is touched.
    const bool is_news = outcome.reason().text != last_failure_;
    last_failure_ = outcome.reason().text;
    if (is_news || somebody_asked)
      log_->error("the configuration was not reloaded, the old one stays:\n" + last_failure_);
    return;
  }
  last_failure_.clear();
  for (const auto& one : outcome->changes) log_->info("configuration reloaded: " + one);
  for (const auto& one : outcome->notes) log_->warn("configuration reloaded: " + one);
  if (outcome->changes.empty() && outcome->notes.empty() && somebody_asked)
    log_->info("configuration reloaded: nothing has changed");
}

}  // namespace nexus::cli
