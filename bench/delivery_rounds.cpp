#include "bench/delivery_rounds.hpp"

#include <algorithm>
#include <utility>

#include "bench/delivery_load.hpp"

namespace nexus::bench {

double run_rounds(report& out, std::vector<contestant> all, std::size_t rounds) {
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& one = all[(round + i) % all.size()];
      one.rates.push_back(one.measure());
    }
    double best = 0;
    for (auto& one : all) {
      const bool is_last = &one == &all.back();
      one.ratios.push_back(one.rates.back() / (is_last ? best : all.front().rates.back()));
      best = std::max(best, one.rates.back());
    }
  }
  for (const auto& one : all)
    out.row(one.name, {fixed(median(one.rates), 0), fixed(median(one.ratios), 2)});
  return median(all.back().ratios);
}

contestant through_pipeline(scratch& disk, std::size_t count,
                            std::function<actors::destination_options()> destination) {
  return {"pipeline", [&disk, count, destination = std::move(destination)] {
            actors::pipeline_options how;
            const auto directory = disk.fresh();
            fill_log(directory, count, {"d"});
            how.wal = log_options(directory);
            how.destinations.push_back(destination());
            const auto rate = delivery_rate(how, bench_types(), count);
            disk.remove(directory);
            return rate;
          }};
}

}  // namespace nexus::bench
