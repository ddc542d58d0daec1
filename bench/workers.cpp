#include "bench/workers.hpp"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "bench/delivery_load.hpp"

namespace nexus::bench {

double share_batches(std::size_t count, std::size_t threads,
                     const std::function<batch_handler()>& make_handler) {
  std::latch ready(static_cast<std::ptrdiff_t>(threads) + 1);
  std::latch done(static_cast<std::ptrdiff_t>(threads));
  std::atomic<std::size_t> next = 0;
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      const auto handle = make_handler();
      ready.arrive_and_wait();
      for (;;) {
        const auto first = next.fetch_add(batch_entries);
        if (first >= count) break;
        handle(first, std::min(batch_entries, count - first));
      }
      done.count_down();
    });
  ready.arrive_and_wait();
  const auto start = steady::now();
  done.wait();
  return seconds_since(start);
}

}  // namespace nexus::bench
