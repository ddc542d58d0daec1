#include "actors/opening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "actors/spoken.hpp"

namespace nexus::actors {

using std::chrono::steady_clock;

void note_opened(const wal::log& log, double seconds,
                 const std::vector<destination_options>& destinations, core::logger& logger,
                 core::metrics& metrics) {
  const auto found = log.stats();
  metrics.get_counter("bubblefish_replay_entries_total", "Entries found pending at start.")
      .add(static_cast<double>(found.replayed));
  metrics.get_gauge("bubblefish_replay_duration_seconds", "How long opening the log took.")
      .set(seconds);
  logger.info(fmt::format("log opened in {:.3f} s: {} entries pending", seconds, found.pending));
  for (const auto& waiting : log.backlogs()) {
    const bool known = std::any_of(destinations.begin(), destinations.end(), [&](const auto& one) {
      return one.settings.name == waiting.destination;
    });
    if (!known)
      logger.warn(fmt::format(
          "{} entries are pending for {}, which is not configured", waiting.entries,
          waiting.destination.empty() ? "the first destination" : spoken(waiting.destination)));
  }
}

core::result<void> tell_recent(wal::log& from, const pipeline_options& how, core::logger& logger) {
  const auto begun = steady_clock::now();
  std::uint64_t entries = 0;
  auto told = from.recent_entries(how.recent_since, [&](const core::entry& one) {
    ++entries;
    how.on_recent(one);
  });
  const double seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
  if (told.ok())
    logger.info(fmt::format("read {} recent entries once more in {:.3f} s", entries, seconds));
  return told;
}

}  // namespace nexus::actors
