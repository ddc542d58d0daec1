// How much a proof tries, and from which seed.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>

#include "tests/support/catch.hpp"

namespace nexus::test {

inline bool is_long_proof() {
  const char* size = std::getenv("NEXUS_PROOF_SIZE");
  return size != nullptr && std::string_view(size) == "long";
}

/// What the quick size tries is divided by this: 5 with NEXUS_PROOF_SIZE=small, which is for
/// programs that sanitizers make slow.
inline std::uint64_t proof_divisor() {
  const char* size = std::getenv("NEXUS_PROOF_SIZE");
  return size != nullptr && std::string_view(size) == "small" ? 5 : 1;
}

/// The value of the variable, or a new one; printed, so that it can be given again.
inline std::uint64_t proof_seed(const char* variable = "NEXUS_PROOF_SEED") {
  std::uint64_t seed = std::random_device{}();
  if (const char* given = std::getenv(variable)) {
    const std::string_view text = given;
    REQUIRE(std::from_chars(text.data(), text.data() + text.size(), seed).ptr ==
            text.data() + text.size());
  }
  std::cout << variable << "=" << seed << std::endl;
  return seed;
}

}  // namespace nexus::test
