// The program's version, as its build says.
#pragma once

#include <string_view>

namespace nexus::cli {

inline constexpr std::string_view version = NEXUS_VERSION;

}  // namespace nexus::cli
