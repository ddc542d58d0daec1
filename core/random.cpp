#include "core/random.hpp"

#include <sodium.h>

#include <cstdlib>
#include <vector>

namespace nexus::core {

std::string random_hex(std::size_t bytes) {
  // Fails only where the system has no source of randomness, and then nothing we could hand out
  // would be safe.
  if (sodium_init() < 0) std::abort();
  std::vector<unsigned char> raw(bytes);
  if (bytes > 0) randombytes_buf(raw.data(), raw.size());
  std::string hex(2 * bytes + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), raw.data(), raw.size());
  hex.pop_back();
  return hex;
}

}  // namespace nexus::core
