// Names of segments: wal-<unix nanoseconds>.jsonl, oldest first when sorted byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "core/timestamp.hpp"

namespace nexus::wal {

/// Whether `name` is a segment's, as the reference finds them: wal-*.jsonl.
bool is_segment_name(std::string_view name) noexcept;

/// Whether `name` is a temporary file that a crash has left behind, ours or the reference's:
/// wal-*.tmp.
bool is_leftover_name(std::string_view name) noexcept;

/// A name that sorts after `last` (empty: there is none), from the clock where that gives one:
/// names increase even if the clock goes back.
std::string next_segment_name(std::string_view last, core::time_point now);

}  // namespace nexus::wal
