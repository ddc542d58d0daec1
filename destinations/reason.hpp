// What the texts of outcomes have in common.
#pragma once

#include <string>

namespace nexus::destinations {

/// `text` with its control characters as spaces: the other side's words may be of several lines, a
/// reason is one.
inline std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return text;
}

}  // namespace nexus::destinations
