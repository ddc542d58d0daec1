// What this process takes of the machine.
#pragma once

#include <cstdint>

namespace nexus::ingest {

struct process_stats {
  std::uint64_t threads = 0;
  std::uint64_t resident_bytes = 0;  ///< memory that is in use, shared pages as well
};

/// As Linux has it now; zeros where it does not say.
process_stats read_process_stats();

}  // namespace nexus::ingest
