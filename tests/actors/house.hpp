// A pipeline with a real log in a directory of its own and scripted destinations.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "actors/pipeline.hpp"
#include "tests/actors/scripted_destination.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace nexus::test {

/// Enough for everything that a healthy destination has to do.
inline constexpr auto long_budget = std::chrono::milliseconds(120'000);

class house {
 public:
  explicit house(std::map<std::string, std::shared_ptr<script>> scripts) {
    for (const auto& [name, what] : scripts) {
      actors::destination_options one;
      one.settings.name = name;
      one.settings.type = "scripted";
      one.retry = {5, std::chrono::milliseconds(1), std::chrono::milliseconds(2)};
      one.breaker = {1, std::chrono::milliseconds(1), std::chrono::milliseconds(2),
                     std::chrono::milliseconds(5)};
      how.destinations.push_back(one);
    }
    how.wal.directory = directory / "wal";
    add_scripted(types, std::move(scripts));
  }

  std::unique_ptr<actors::pipeline> start() {
    auto started = actors::pipeline::start(how, types, core::make_null_logger(), metrics);
    if (!started.ok()) FAIL(started.reason().text);
    return *std::move(started);
  }

  core::errc refusal() {
    auto started = actors::pipeline::start(how, types, core::make_null_logger(), metrics);
    REQUIRE_FALSE(started.ok());
    return started.reason().code;
  }

  temp_dir directory;
  core::metrics metrics;
  destinations::registry types;
  actors::pipeline_options how;
};

/// Appends entries `first` to `last` - 1 and waits until all are durable.
inline void append(actors::pipeline& to, std::size_t first, std::size_t last,
                   const std::string& destination = "d") {
  std::latch durable(static_cast<std::ptrdiff_t>(last - first));
  std::atomic<std::size_t> refused = 0;
  for (std::size_t i = first; i < last; ++i) {
    to.append({make_entry("p" + std::to_string(i), destination)},
              [&](const core::result<void>& answer) {
                if (!answer.ok()) ++refused;
                durable.count_down();
              });
  }
  durable.wait();
  REQUIRE(refused == 0);
}

/// False if the destinations are not as `condition` wants them within two minutes.
inline bool wait_for(
    const actors::pipeline& in,
    const std::function<bool(const std::vector<actors::destination_status>&)>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!condition(in.status().destinations)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace nexus::test
