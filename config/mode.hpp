// What `mode` fills in where the file says nothing (section 4.4 of the v0.1.2 behaviour).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nexus::config {

struct mode_preset {
  bool tls = false;
  bool wal_encryption = false;
  bool mac = false;             ///< integrity.mode = "mac"
  bool accept_unsigned = true;  ///< lines without a signature count while `mac` is on
  std::int64_t global_requests_per_minute = 2000;
};

/// The preset of a mode, written in lower case. "" and "simple" change nothing; no preset for a
/// mode that nobody knows.
constexpr std::optional<mode_preset> find_mode(std::string_view mode) noexcept {
  if (mode.empty() || mode == "simple" || mode == "balanced") return mode_preset{};
  if (mode == "safe") return mode_preset{true, true, true, false, 500};
  if (mode == "fast") return mode_preset{false, false, false, true, 10'000};
  return std::nullopt;
}

}  // namespace nexus::config
