#include "destinations/destination.hpp"

#include <charconv>

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

const std::string& settings::text(const std::string& key) const {
  static const std::string none;
  const auto found = values.find(key);
  return found == values.end() ? none : found->second;
}

std::int64_t settings::number(const std::string& key) const {
  const std::string& digits = text(key);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

bool settings::flag(const std::string& key) const {
  return text(key) == "true";
}

core::setting_values settings::table(const std::string& key) const {
  const std::string prefix = key + '.';
  core::setting_values members;
  for (auto it = values.lower_bound(prefix); it != values.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    members.emplace(it->first.substr(prefix.size()), it->second);
  }
  return members;
}

core::result<std::vector<bool>> destination::exists(std::span<const std::string>) {
  return core::error{core::errc::unsupported, "this type of destination cannot say what it holds"};
}

}  // namespace nexus::destinations
