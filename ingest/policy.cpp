#include "ingest/policy.hpp"

#include <algorithm>
#include <vector>

namespace nexus::ingest {
namespace {

constexpr std::string_view wrong_destination =
    "the source's policy does not allow this destination";

bool allows(const std::vector<std::string>& list, std::string_view word) {
  return list.empty() || std::find(list.begin(), list.end(), word) != list.end();
}

}  // namespace

std::optional<denial> check_write(const config::policy_config& policy,
                                  std::string_view destination) {
  if (!allows(policy.allowed_destinations, destination))
    return denial{"policy_denied", std::string(wrong_destination)};
  if (!allows(policy.allowed_operations, "write"))
    return denial{"policy_denied", "the source's policy does not allow the operation write"};
  return std::nullopt;
}

std::optional<denial> check_read(const config::policy_config& policy, std::string_view destination,
                                 std::string_view profile) {
  if (!allows(policy.allowed_destinations, destination))
    return denial{"destination_not_allowed", std::string(wrong_destination)};
  if (!allows(policy.allowed_operations, "read"))
    return denial{"operation_not_allowed", "the source's policy does not allow the operation read"};
  if (!allows(policy.allowed_retrieval_modes, "structured"))
    return denial{"retrieval_mode_not_allowed",
                  "the source's policy does not allow the retrieval mode structured"};
  if (!allows(policy.allowed_profiles, profile))
    return denial{"policy_denied", "the source's policy does not allow this profile"};
  return std::nullopt;
}

}  // namespace nexus::ingest
