// What the commands say, and where.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/error.hpp"

namespace nexus::cli {

/// Standard output; flushed, so that a program that reads it through a pipe sees it at once.
void print(std::string_view text);

/// The same without the flush, for many lines.
void write_out(std::string_view text);

/// Flushes standard output; false if it has not taken everything that was written.
bool finish_out();

/// Says that standard output has not taken all of `what`. Returns the exit status of a failure.
int fail_incomplete(std::string_view what);

/// Prints what a command was asked for. Returns its exit status, `status`; or that of a failure
/// where standard output has not taken everything: whoever keeps a list must know that it is whole.
int answer(std::string_view text, int status = 0);

/// `nexus: <what happened>` on standard error. Returns 1, the exit status of a failure.
int fail(std::string_view what);
int fail(const core::error& reason);

/// `reading the log: 64 of 512 MiB` on standard error where that is a terminal, each call in place
/// of the one before; gone when everything is done.
void show_progress(std::uint64_t done, std::uint64_t total);

}  // namespace nexus::cli
