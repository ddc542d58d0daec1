// What somebody may have meant who wrote a word that nobody knows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace nexus::config {

/// How many letters must be typed, dropped, replaced or swapped with their neighbour to get from
/// one word to the other (optimal string alignment distance), upper and lower case being the same.
std::size_t spelling_distance(std::string_view a, std::string_view b);

/// The known word that is nearest, the first of several; empty if none comes near: a third of the
/// letters may be wrong, with more the guess would confuse rather than help.
template <class Words>
std::string nearest_word(std::string_view word, const Words& known) {
  std::string best;
  std::size_t nearest = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& one : known) {
    const std::size_t apart = spelling_distance(word, one);
    if (apart >= nearest) continue;
    nearest = apart;
    best = one;
  }
  return best;
}

}  // namespace nexus::config
