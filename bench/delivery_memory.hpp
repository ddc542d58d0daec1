// What a destination that is down costs in memory.
#pragma once

#include <cstdint>
#include <string>

namespace nexus::bench {

struct backlog_memory {
  std::uint64_t pending = 0;
  double bytes_an_entry = 0;  ///< of the heap, for an entry that is in a window
  std::size_t window_entries_max = 0;
  std::size_t window_bytes_max = 0;
  double grown = 0;  ///< bytes of resident memory, from the empty pipeline to the full one
  double peak = 0;   ///< the same, at most in between
};

/// Appends 1,000,000 entries to a pipeline whose only destination is dead. In a child process with
/// a heap that nothing else has used; call it before this process has threads.
backlog_memory measure_dead_backlog(const std::string& directory);

}  // namespace nexus::bench
