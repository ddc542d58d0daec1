// Randomness for identifiers and keys, from libsodium.
#pragma once

#include <cstddef>
#include <string>

namespace nexus::core {

/// `bytes` random bytes as lower-case hex digits. Any thread.
std::string random_hex(std::size_t bytes);

}  // namespace nexus::core
