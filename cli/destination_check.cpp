#include "cli/destination_check.hpp"

#include <algorithm>
#include <thread>

#include "actors/pipeline.hpp"
#include "cli/wire.hpp"
#include "core/log.hpp"

namespace nexus::cli {

std::vector<destination_verdict> test_destinations(
    const std::vector<config::destination_config>& which, const destinations::registry& types,
    std::optional<std::chrono::milliseconds> timeout_max) {
  // What is wrong comes back as an error; a log would say it twice.
  const auto log = core::make_null_logger();
  std::vector<destination_verdict> verdicts;
  for (const auto& one : which) verdicts.push_back({one, {}});
  std::vector<std::jthread> threads;
  for (auto& one : verdicts) {
    if (!one.which.fault.empty()) {
      one.outcome = core::error{core::errc::bad_config, one.which.fault};
      continue;
    }
    auto settings = to_settings(one.which);
    if (timeout_max) settings.timeout = std::min(settings.timeout, *timeout_max);
    threads.emplace_back([&types, &log, &outcome = one.outcome, settings = std::move(settings)] {
      outcome = actors::test_destination(settings, types, log);
    });
  }
  threads.clear();  // joins
  return verdicts;
}

}  // namespace nexus::cli
