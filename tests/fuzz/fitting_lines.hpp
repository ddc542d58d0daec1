// Lines of the log whose checks fit, so that what stands behind the checks is tried as well.
#pragma once

#include <string>
#include <string_view>

#include "tests/fuzz/fuzz.hpp"
#include "tests/proof/sweep/reference_body.hpp"

namespace nexus::fuzz {

/// `input` with the CRC that fits, and with a key the HMAC, behind every line that begins with `+`,
/// which goes.
inline std::string with_fitting_checks(std::string_view input, const std::string& mac_key = {}) {
  using test::sweep::crc_of, test::sweep::hmac_of;
  std::string out;
  while (!input.empty()) {
    const bool ends = input.find('\n') != input.npos;
    auto line = take_line(input);
    if (line.starts_with('+')) {
      const auto body = line.substr(1);
      line = body + '\t' + crc_of(body);
      if (!mac_key.empty()) line += '\t' + hmac_of(body, mac_key);
    }
    out += line;
    if (ends) out += '\n';
  }
  return out;
}

}  // namespace nexus::fuzz
