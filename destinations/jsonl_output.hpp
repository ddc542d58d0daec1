// The standard output as the place of the JSON Lines destination. Internal to it.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "core/result.hpp"

namespace nexus::destinations {

/// Writes lines, each with its newline, to the standard output. Returns how many were written
/// whole; the first of the others may have been begun, then the next call ends it before it writes.
/// Calls take turns; nobody waits longer than `timeout` for his turn, or for the reader. Any
/// thread.
struct output_progress {
  std::size_t lines = 0;
  core::result<void> state;  ///< why not all of them
};
output_progress write_to_output(std::span<const std::string_view> lines,
                                std::chrono::milliseconds timeout);

/// Whether the standard output is open, and somebody reads it.
core::result<void> check_output();

}  // namespace nexus::destinations
