#include "cli/consistency_checker.hpp"

#include <algorithm>
#include <utility>

namespace nexus::cli {
namespace {

constexpr const char* score_gauge = "nexus_consistency_score";

}  // namespace

consistency_checker::consistency_checker(consistency_source from, core::logger_ptr log,
                                         core::metrics& metrics)
    : from_(std::move(from)),
      log_(std::move(log)),
      metrics_(metrics),
      shown_(metrics.get_gauge("bubblefish_consistency_score",
                               "Share of delivered entries that their destinations have, as of the "
                               "last check; -1: none yet.")) {
  shown_.set(score_);
}

consistency_checker::~consistency_checker() {
  stop();
}

void consistency_checker::run_every(std::chrono::milliseconds interval, std::size_t sample) {
  thread_ = std::thread([this, interval, sample] { run(interval, sample); });
}

core::result<ingest::consistency_report> consistency_checker::check(
    const ingest::consistency_choice& what) {
  const std::lock_guard one(one_at_a_time_);
  auto report = check_consistency(source(), what, stopping_.get_token());
  if (!report) return report;
  log_report(*report, *log_);
  if (what.destination.empty()) publish(*report);
  return report;
}

consistency_source consistency_checker::source() const {
  const std::lock_guard lock(source_mutex_);
  return from_;
}

void consistency_checker::replace(std::vector<std::string> destinations) {
  const std::lock_guard lock(source_mutex_);
  for (const auto& name : from_.destinations)
    if (std::find(destinations.begin(), destinations.end(), name) == destinations.end())
      metrics_.remove_gauge(score_gauge, {{"destination", name}});
  from_.destinations = std::move(destinations);
}

void consistency_checker::publish(const ingest::consistency_report& report) {
  score_ = ingest::consistency_score(report);
  shown_.set(score_);
  // Held throughout: a gauge that replace() takes away is gone.
  const std::lock_guard lock(source_mutex_);
  for (const auto& one : report.destinations) {
    const auto& names = from_.destinations;
    if (!one.skipped.empty() || std::find(names.begin(), names.end(), one.name) == names.end())
      continue;
    metrics_
        .get_gauge(score_gauge,
                   "Share of delivered entries that the destination has, as of the last check.",
                   {{"destination", one.name}})
        .set(ingest::consistency_score(one.found, one.looked_up));
  }
}

void consistency_checker::run(std::chrono::milliseconds interval, std::size_t sample) {
  const auto stop = stopping_.get_token();
  std::mutex mutex;
  std::condition_variable_any never;
  for (;;) {
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, interval, [] { return false; });
    if (stop.stop_requested()) return;
    ingest::consistency_choice what;
    what.sample = sample;
    const auto report = check(what);
    if (!report && report.reason().code != core::errc::closed)
      log_->warn("consistency check, tried again: " + report.reason().text);
  }
}

void consistency_checker::request_stop() {
  stopping_.request_stop();
}

void consistency_checker::stop() {
  request_stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace nexus::cli
