// What a source may do (sections 3.3 and 3.7 of the v0.1.2 behaviour). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"

namespace nexus::ingest {

/// Why something was refused: the error code of the answer, and a message, which is also the
/// metric's `reason`.
struct denial {
  std::string_view code;
  std::string message;
};

/// Whether the source may write to `destination`. Nothing: it may.
std::optional<denial> check_write(const config::policy_config& policy,
                                  std::string_view destination);

/// Whether the source may read from `destination` with `profile`. Every retrieval of this version
/// is of the mode "structured". Nothing: it may.
std::optional<denial> check_read(const config::policy_config& policy, std::string_view destination,
                                 std::string_view profile);

}  // namespace nexus::ingest
