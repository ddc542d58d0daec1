#include "ingest/process_stats.hpp"

#include <fstream>
#include <string>

namespace nexus::ingest {

process_stats read_process_stats() {
  constexpr std::uint64_t kib = 1024;
  process_stats out;
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "Threads:") status >> out.threads;
    if (word == "VmRSS:" && status >> out.resident_bytes) out.resident_bytes *= kib;
  }
  return out;
}

}  // namespace nexus::ingest
