// Names that others choose, as numbers of a fixed length.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace nexus::core {

/// SipHash-2-4 with 128 bits under a random key: nobody can choose names that collide, or that all
/// fall into one place of a table, and by accident 10^9 names collide with a probability of 10^-21.
/// Any thread.
class keyed_hash {
 public:
  using value = std::array<std::uint64_t, 2>;

  /// Draws the key.
  keyed_hash();

  /// Of a list of texts. Each goes in with its length, so that no two lists look alike.
  value operator()(std::initializer_list<std::string_view> texts) const;

 private:
  std::array<unsigned char, 16> key_;
};

}  // namespace nexus::core
