#include "actors/status_source.hpp"

#include <cstdint>
#include <mutex>
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

class publisher {
 public:
  publisher(core::metrics& all, std::weak_ptr<const status_source> source)
      : source_(std::move(source)),
        queue_depth_(
            all.get_gauge("bubblefish_queue_depth", "Entries in memory, waiting or on their way.")),
        pending_(all.get_gauge("bubblefish_wal_pending_entries",
                               "Entries in the log that wait for delivery.")),
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
    const auto now = source->read();
    double queued = 0;
    for (const auto& one : now.destinations) queued += static_cast<double>(one.queued);
    std::lock_guard guard(mutex_);
    queue_depth_.set(queued);
    pending_.set(static_cast<double>(now.wal.pending));
    healthy_.set(now.wal_trouble.empty() ? 1 : 0);
    oldest_.set(now.wal.oldest_pending_seconds);
    dead_letters_.set(static_cast<double>(now.wal.dead_letters));
    for (auto& [total, number] : found_) total.follow(now.wal.*number);
  }

 private:
  std::weak_ptr<const status_source> source_;
  std::mutex mutex_;
  core::gauge& queue_depth_;
  core::gauge& pending_;
  core::gauge& healthy_;
  core::gauge& oldest_;
  core::gauge& dead_letters_;
  /// What the log has found of damage.
  std::vector<std::pair<follower, std::uint64_t wal::counters::*>> found_;
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
  const auto backlogs = log_->backlogs();
  for (const auto& board : boards_) {
    auto one = board->read();
    for (const auto& waiting : backlogs) {
      if (waiting.destination != one.name) continue;
      one.pending = waiting.entries;
      one.oldest_pending_seconds = waiting.oldest_seconds;
    }
    now.destinations.push_back(std::move(one));
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
