// What a reload changes about the destinations.
#include "actors/destination_plan.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace std::chrono_literals;
using actors::destination_options;

namespace {

using change = void (*)(destination_options&);

const std::vector<change> that_the_queue_uses{
    [](destination_options& of) { of.settings.type = "other"; },
    [](destination_options& of) { of.settings.values["key"] = "other"; },
    [](destination_options& of) { of.settings.timeout += 1ms; },
    [](destination_options& of) { ++of.settings.batch_entries_max; },
    [](destination_options& of) { ++of.workers; },
    [](destination_options& of) { ++of.batch_entries_max; },
    [](destination_options& of) { ++of.batch_bytes_max; },
    [](destination_options& of) { of.linger += 1ms; },
    [](destination_options& of) { ++of.window_entries_max; },
    [](destination_options& of) { ++of.window_bytes_max; },
    [](destination_options& of) { of.keep = actors::ordering::subject; },
    [](destination_options& of) { ++of.retry.max_attempts; },
    [](destination_options& of) { of.retry.max_backoff += 1ms; },
    [](destination_options& of) { ++of.breaker.failure_threshold; },
    [](destination_options& of) { of.fault = "d.toml:3:1: no"; },
};

const std::vector<change> that_it_does_not_use{
    [](destination_options& of) { of.paused = true; },
    [](destination_options& of) { of.required = true; },
};

std::vector<std::string> changed(change what) {
  const test::temp_dir directory;
  wal::options how;
  how.directory = directory / "wal";
  const auto log = wal::log::open(how);
  REQUIRE(log.ok());
  destination_options now;
  now.settings.name = "d";
  auto next = now;
  what(next);
  return actors::plan_change({now}, {next}, **log).changed;
}

}  // namespace

TEST_CASE("a destination gets another queue where something changes that its queue uses") {
  for (std::size_t i = 0; i < that_the_queue_uses.size(); ++i) {
    INFO(i);
    CHECK(changed(that_the_queue_uses[i]) == std::vector<std::string>{"d"});
  }
  for (const auto what : that_it_does_not_use) CHECK(changed(what).empty());
}
