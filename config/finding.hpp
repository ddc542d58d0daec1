// What is wrong, or odd, in the configuration files: where, how bad, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace nexus::config {

/// An error keeps the program from starting, or that destination from being made; a warning does
/// not.
enum class severity : std::uint8_t { warning, error };

/// One problem in one place.
struct finding {
  severity level = severity::error;
  std::string code;     ///< stable, for programs: "unknown_key"; docs/configuration.md lists them
  std::string message;  ///< for people; never holds a secret
  location where;       ///< line 0: the file as a whole
};

/// `file:line:column: error: message [code]`.
std::string to_string(const finding& problem);

/// Appends a JSON object: {"severity":"warn","code":…,"message":…,"file":…,"line":…,"column":…};
/// the severity is "error" or "warn". `file`: what is said instead of where.file.
void append_json(std::string& out, const finding& problem, std::string_view file);

/// Whether one of them is an error.
bool has_errors(const std::vector<finding>& problems) noexcept;

}  // namespace nexus::config
