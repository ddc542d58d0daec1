// How messages name a destination.
#pragma once

#include <string>

namespace nexus::actors {

/// Entries of a log of v0.1.2 may have none.
inline std::string spoken(const std::string& destination) {
  return destination.empty() ? "no destination" : "destination " + destination;
}

}  // namespace nexus::actors
