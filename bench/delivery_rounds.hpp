// Contestants that do the same work, in alternating rounds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/pipeline.hpp"
#include "bench/report.hpp"
#include "bench/wal_load.hpp"

namespace nexus::bench {

/// One way to do the same work; says how many entries a second it came to.
struct contestant {
  std::string name;
  std::function<double()> measure;
  std::vector<double> rates{};
  std::vector<double> ratios{};
};

/// Columns of a table that run_rounds fills.
inline const std::vector<std::string> rate_columns{"entries/s", "of bare"};

/// Measures all in alternating rounds, each of which begins with another one. What is looked at is
/// the last: returns the median of its ratios to the fastest of those before it in the same round.
/// The table shows theirs to the first.
double run_rounds(report& out, std::vector<contestant> all, std::size_t rounds = 5);

/// A contestant: the pipeline, on a log of its own in which `count` entries wait for destination
/// "d", which `destination` describes.
contestant through_pipeline(scratch& disk, std::size_t count,
                            std::function<actors::destination_options()> destination);

}  // namespace nexus::bench
