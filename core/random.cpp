#include "core/random.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>
#include <vector>

namespace nexus::core {

std::string random_hex(std::size_t bytes) {
  if (bytes == 0) return {};
  // Fails only where the system has no source of randomness, and then nothing we could hand out
  // would be safe.
  if (sodium_init() < 0) std::abort();
  // Spreading a seed of the system is several times as fast as having it make all the bytes.
  std::array<unsigned char, randombytes_SEEDBYTES> seed;
  randombytes_buf(seed.data(), seed.size());
  std::vector<unsigned char> raw(bytes);
  randombytes_buf_deterministic(raw.data(), raw.size(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  std::string hex(2 * bytes + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), raw.data(), raw.size());
  hex.pop_back();
  return hex;
}

}  // namespace nexus::core
