#include "tests/support/proof_count.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace nexus::test {

void count_proof(std::string_view what, std::uint64_t count) {
  std::cout << "proof: " << what << ": " << count << std::endl;
  const char* path = std::getenv("NEXUS_PROOF_COUNTS");
  if (path == nullptr) return;
  std::ofstream file(path, std::ios::app);
  file << what << '\t' << count << '\n' << std::flush;
  if (!file) throw std::runtime_error("cannot write to NEXUS_PROOF_COUNTS");
}

}  // namespace nexus::test
