// Threads that share work, as the workers of a destination do.
#pragma once

#include <cstddef>
#include <functional>

namespace nexus::bench {

/// Handles `count` entries, from `first` on; blocks.
using batch_handler = std::function<void(std::size_t first, std::size_t count)>;

/// Has so many threads handle entries 0 to `count` - 1, each a batch of `batch_entries` at a time.
/// Each thread makes itself a handler before anything is timed. Returns the seconds that it took.
double share_batches(std::size_t count, std::size_t threads,
                     const std::function<batch_handler()>& make_handler);

}  // namespace nexus::bench
