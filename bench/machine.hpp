// What a benchmark runs on: figures mean nothing without it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace nexus::bench {

/// Processor, memory, kernel, compiler, and the file system and disk of `directory`, as names and
/// values.
std::vector<std::pair<std::string, std::string>> describe_machine(const std::string& directory);

/// Memory of this process in main memory, in bytes: now, and at most since the last
/// reset_peak_memory().
struct resident {
  std::uint64_t now = 0;
  std::uint64_t peak = 0;
};
resident resident_memory();
void reset_peak_memory();

}  // namespace nexus::bench
