// What the commands say, and where.
#pragma once

#include <string_view>

#include "core/error.hpp"

namespace nexus::cli {

/// Standard output; flushed, so that a program that reads it through a pipe sees it at once.
void print(std::string_view text);

/// `nexus: <what happened>` on standard error. Returns 1, the exit status of a failure.
int fail(std::string_view what);
int fail(const core::error& reason);

}  // namespace nexus::cli
