// Who a payload comes from.
#pragma once

#include <string_view>

namespace nexus::ingest {

/// The words that the API knows, in exactly this spelling.
constexpr bool is_actor_type(std::string_view word) noexcept {
  return word == "user" || word == "agent" || word == "system";
}

}  // namespace nexus::ingest
