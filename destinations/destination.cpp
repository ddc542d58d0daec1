#include "destinations/destination.hpp"

namespace nexus::destinations {

const char* to_string(outcome_kind kind) noexcept {
  switch (kind) {
    case outcome_kind::delivered:
      return "delivered";
    case outcome_kind::transient:
      return "transient";
    case outcome_kind::unreachable:
      return "unreachable";
    case outcome_kind::config_fault:
      return "config_fault";
    case outcome_kind::permanent:
      return "permanent";
  }
  return "unknown";
}

core::result<std::vector<bool>> destination::exists(std::span<const std::string>) {
  return core::error{core::errc::unsupported, "this type of destination cannot say what it holds"};
}

}  // namespace nexus::destinations
