#include "core/keyed_hash.hpp"

#include <sodium.h>

#include <cstdlib>
#include <string>

namespace nexus::core {

static_assert(crypto_shorthash_siphashx24_BYTES == sizeof(keyed_hash::value));
static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16);

keyed_hash::keyed_hash() {
  if (sodium_init() < 0) std::abort();
  randombytes_buf(key_.data(), key_.size());
}

keyed_hash::value keyed_hash::operator()(std::initializer_list<std::string_view> texts) const {
  thread_local std::string joined;  // keeps its memory from one call to the next
  joined.clear();
  for (const auto text : texts) {
    const auto size = static_cast<std::uint32_t>(text.size());
    joined.append(reinterpret_cast<const char*>(&size), sizeof(size));
    joined += text;
  }
  value out;
  crypto_shorthash_siphashx24(reinterpret_cast<unsigned char*>(out.data()),
                              reinterpret_cast<const unsigned char*>(joined.data()), joined.size(),
                              key_.data());
  return out;
}

}  // namespace nexus::core
