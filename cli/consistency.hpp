// The consistency check: whether destinations have what was delivered to them (section 6.3 of the
// v0.1.2 behaviour).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "ingest/ports.hpp"

namespace nexus::cli {

/// Where delivered entries come from, and whom to ask about them: a running pipeline, or a log that
/// nobody else has open. The functions are called one at a time, and may block.
struct consistency_source {
  std::vector<std::string> destinations;  ///< names of those that are configured, the first one
                                          ///< stands in for entries that name none
  std::function<core::result<void>(const std::function<core::result<void>(const core::entry&)>&)>
      delivered_entries;
  std::function<core::result<std::vector<core::entry>>(std::size_t count)> sample_delivered;
  /// As of actors::pipeline::exists.
  std::function<core::result<std::vector<bool>>(const std::string& destination,
                                                std::vector<std::string> payload_ids)>
      exists;
  std::function<core::result<std::uint64_t>(std::span<const core::entry>)> redeliver;
};

/// What is not found is asked for once more so much later, before it counts as missing: what was
/// delivered a moment ago may not show yet in a store with several replicas.
inline constexpr std::chrono::milliseconds second_look{2'000};

/// Looks entries up, and has what is missing delivered once more if that is asked for. A
/// destination that cannot say what it has, or that fails, is left out from there on and named in
/// the report. Errors: `not_found` (no such destination), `closed` (`stop` was asked for), and
/// those of the log.
core::result<ingest::consistency_report> check_consistency(
    const consistency_source& from, const ingest::consistency_choice& what, std::stop_token stop,
    std::chrono::milliseconds until_second_look = second_look);

/// Logs what was found: a warning where the score is below 0.95, an error below 0.80, else for
/// information; at most twenty missing ids of each destination.
void log_report(const ingest::consistency_report& report, core::logger& log);

}  // namespace nexus::cli
