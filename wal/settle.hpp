// Settling: rewriting a segment so that each entry's own line says its true status.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/failure_note.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Whether the segment has something to settle: a line that does not tell the truth or that v0.1.2
/// can't read, or status lines that nobody needs once all older segments are settled.
bool needs_settling(const segment& which) noexcept;

/// The JSON of an entry of which this has become, with the note on why it has failed: without the
/// note if the line would be too long for the reference to read.
std::string settled_json(core::entry entry, core::status now,
                         const std::optional<failure_note>& note, const line_format& format);

/// Whether the segment's lines are stored as `format` would store them now: plain, or encrypted
/// with the current key.
bool has_current_key(const segment& which, const line_format& format) noexcept;

/// What happens to damaged lines.
enum class damaged_lines {
  keep,  ///< byte for byte, never signed anew
  drop,  ///< left out; in mode mac a line in their place says so (kind `quarantined`)
};

/// Rewrites one sealed segment: temporary file in the same directory, sync, rename, sync of the
/// directory. A crash leaves the old file or the new one. Status lines are dropped if all older
/// segments are settled, purged entries of the dead-letter file as well.
///
/// Takes `guard` (the mutex of `known`) in small pieces; one call at a time.
core::result<void> settle_segment(std::uint32_t number, catalog& known, std::mutex& guard,
                                  const options& how, const line_format& format,
                                  damaged_lines damaged = damaged_lines::keep);

}  // namespace nexus::wal
