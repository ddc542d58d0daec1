#include "actors/status_source.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace nexus::actors {
namespace {

/// Raises a counter to a number that something else counts.
class follower {
 public:
  follower(core::counter& target) : target_(target) {}
  void follow(std::uint64_t value) {
    if (value > last_) target_.add(static_cast<double>(value - last_));
    last_ = value;
  }

 private:
  core::counter& target_;
  std::uint64_t last_ = 0;
};

/// What is shown of one destination.
class destination_metrics {
 public:
  destination_metrics(core::metrics& all, const std::string& name)
      : all_(all),
        name_(name),
        pending_(all.get_gauge("nexus_destination_pending",
                               "Entries in the log that wait for the destination.", of(name))),
        queued_(all.get_gauge("nexus_destination_queued",
                              "Entries for the destination that are held in memory.", of(name))),
        oldest_(all.get_gauge("nexus_destination_oldest_pending_seconds",
                              "Age of the oldest entry that waits for the destination.", of(name))),
        up_(all.get_gauge("nexus_destination_up", "1 while entries are delivered.", of(name))),
        paused_(all.get_gauge("nexus_destination_paused", "1 while the operator has it paused.",
                              of(name))),
        breaker_open_(all.get_gauge("nexus_destination_breaker_open",
                                    "1 while nothing is sent to it but probes.", of(name))),
        attempts_(all.get_counter("nexus_destination_attempts_total",
                                  "Entries handed to the destination, each time counted.",
                                  of(name))),
        restarts_(all.get_counter("nexus_destination_restarts_total",
                                  "Instances of the destination that hung, threw or ended.",
                                  of(name))) {
    for (const auto& [state, word] : states)
      states_.emplace_back(state, &all.get_gauge("nexus_destination_state",
                                                 "1 for the state that the destination is in.",
                                                 {{"destination", name}, {"state", word}}));
  }

  void show(const destination_status& now) {
    pending_.set(static_cast<double>(now.pending));
    queued_.set(static_cast<double>(now.queued));
    oldest_.set(now.oldest_pending_seconds);
    up_.set(now.state == phase::running ? 1 : 0);
    paused_.set(now.state == phase::paused ? 1 : 0);
    breaker_open_.set(now.breaker == destination_status::circuit::closed ? 0 : 1);
    attempts_.follow(now.attempts);
    restarts_.follow(now.restarts);
    for (const auto& [state, shown] : states_) shown->set(now.state == state ? 1 : 0);
  }

  /// Takes the gauges off the page: the destination is gone. The last call.
  void remove() const {
    for (const char* gauge : {"nexus_destination_pending", "nexus_destination_queued",
                              "nexus_destination_oldest_pending_seconds", "nexus_destination_up",
                              "nexus_destination_paused", "nexus_destination_breaker_open"})
      all_.remove_gauge(gauge, of(name_));
    for (const auto& [state, word] : states)
      all_.remove_gauge("nexus_destination_state", {{"destination", name_}, {"state", word}});
  }

 private:
  using phase = destination_status::phase;
  static constexpr std::pair<phase, const char*> states[] = {
      {phase::running, "running"},
      {phase::waiting, "waiting"},
      {phase::misconfigured, "misconfigured"},
      {phase::paused, "paused"}};
  static core::metric_labels of(const std::string& name) { return {{"destination", name}}; }

  core::metrics& all_;
  const std::string name_;
  core::gauge& pending_;
  core::gauge& queued_;
  core::gauge& oldest_;
  core::gauge& up_;
  core::gauge& paused_;
  core::gauge& breaker_open_;
  follower attempts_;
  follower restarts_;
  std::vector<std::pair<phase, core::gauge*>> states_;
};

class publisher {
 public:
  publisher(core::metrics& all, std::weak_ptr<const status_source> source)
      : all_(all),
        source_(std::move(source)),
        queue_depth_(
            all.get_gauge("bubblefish_queue_depth", "Entries in memory, waiting or on their way.")),
        pending_(all.get_gauge("bubblefish_wal_pending_entries",
                               "Entries in the log that wait for delivery.")),
        pending_bytes_(all.get_gauge("nexus_wal_pending_bytes",
                                     "Bytes of the lines in the log that wait for delivery.")),
        unclaimed_(all.get_gauge("nexus_unclaimed_entries",
                                 "Entries that wait for destinations that are not configured.")),
        healthy_(all.get_gauge("bubblefish_wal_healthy", "1 while appends succeed.")),
        oldest_(all.get_gauge("nexus_oldest_pending_seconds", "Age of the oldest pending entry.")),
        dead_letters_(
            all.get_gauge("nexus_dead_letters", "Entries that have failed for good and are kept.")),
        found_{{all.get_counter("bubblefish_wal_crc_failures_total",
                                "Lines of the log whose CRC does not fit."),
                &wal::counters::crc_failures},
               {all.get_counter("bubblefish_wal_integrity_failures_total",
                                "Lines of the log whose HMAC is wrong or missing."),
                &wal::counters::integrity_failures},
               {all.get_counter("nexus_wal_sentinel_failures_total",
                                "Lines of the log without the sentinel at their end."),
                &wal::counters::sentinel_failures},
               {all.get_counter("nexus_wal_undecodable_lines_total",
                                "Lines of the log that do not decrypt or decompress."),
                &wal::counters::undecodable_lines},
               {all.get_counter("nexus_wal_torn_lines_total",
                                "Lines of the log that were cut off while they were written."),
                &wal::counters::torn_lines},
               {all.get_counter("nexus_wal_malformed_lines_total",
                                "Intact lines of the log that hold no entry."),
                &wal::counters::malformed_lines},
               {all.get_counter("nexus_wal_quarantined_lines_total",
                                "Damaged lines that were copied to the quarantine."),
                &wal::counters::quarantined}} {}

  void refresh() {
    const auto source = source_.lock();
    if (!source) return;
    std::lock_guard guard(mutex_);
    const auto now = source->read();
    double queued = 0;
    for (const auto& one : now.destinations) queued += static_cast<double>(one.queued);
    double unclaimed = 0;
    for (const auto& one : now.unclaimed) unclaimed += static_cast<double>(one.entries);
    unclaimed_.set(unclaimed);
    pending_bytes_.set(static_cast<double>(now.wal.pending_bytes));
    queue_depth_.set(queued);
    pending_.set(static_cast<double>(now.wal.pending));
    healthy_.set(now.wal_trouble.empty() ? 1 : 0);
    oldest_.set(now.wal.oldest_pending_seconds);
    dead_letters_.set(static_cast<double>(now.wal.dead_letters));
    for (auto& [total, number] : found_) total.follow(now.wal.*number);
    for (const auto& one : now.destinations)
      destinations_.try_emplace(one.name, all_, one.name).first->second.show(one);
    std::erase_if(destinations_, [&](auto& shown) {
      const auto& all = now.destinations;
      const bool is_there = std::any_of(all.begin(), all.end(),
                                        [&](const auto& one) { return one.name == shown.first; });
      if (!is_there) shown.second.remove();
      return !is_there;
    });
  }

 private:
  core::metrics& all_;
  std::weak_ptr<const status_source> source_;
  std::mutex mutex_;
  core::gauge& queue_depth_;
  core::gauge& pending_;
  core::gauge& pending_bytes_;
  core::gauge& unclaimed_;
  core::gauge& healthy_;
  core::gauge& oldest_;
  core::gauge& dead_letters_;
  /// What the log has found of damage.
  std::vector<std::pair<follower, std::uint64_t wal::counters::*>> found_;
  std::map<std::string, destination_metrics> destinations_;
};

}  // namespace

pipeline_status status_source::read() const {
  pipeline_status now;
  now.wal = log_->stats();
  now.current_segment = log_->current_segment();
  now.wal_trouble = log_->trouble();
  now.draining = draining_;
  if (log_unattended_ && !now.draining)
    now.wal_trouble = "the actor in front of the log has ended; restart the program";
  std::vector<std::shared_ptr<board>> boards;
  {
    std::lock_guard guard(mutex_);
    boards = boards_;
  }
  for (const auto& board : boards) now.destinations.push_back(board->read());
  for (auto& waiting : log_->backlogs()) {
    const auto its = std::find_if(now.destinations.begin(), now.destinations.end(),
                                  [&](const auto& one) { return one.name == waiting.destination; });
    if (its == now.destinations.end()) {
      now.unclaimed.push_back(std::move(waiting));
      continue;
    }
    its->pending = waiting.entries;
    its->oldest_pending_seconds = waiting.oldest_seconds;
  }
  return now;
}

void publish(core::metrics& metrics, const std::shared_ptr<const status_source>& source) {
  metrics.on_collect([shown = std::make_shared<publisher>(metrics, source)] { shown->refresh(); });
}

void observe_commits(core::metrics& metrics, wal::log& log) {
  auto& seconds = metrics.get_histogram(
      "nexus_wal_fsync_seconds", "Write and sync of one commit.", {},
      {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5});
  auto& entries =
      metrics.get_histogram("nexus_wal_batch_entries", "Entries that shared one commit.", {},
                            {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096});
  log.on_commit([&seconds, &entries](const wal::commit_info& commit) {
    seconds.observe(commit.seconds);
    entries.observe(static_cast<double>(commit.entries));
  });
}

core::histogram& append_seconds(core::metrics& metrics) {
  return metrics.get_histogram("bubblefish_wal_append_latency_seconds",
                               "From handing an entry in to its answer.");
}

}  // namespace nexus::actors
