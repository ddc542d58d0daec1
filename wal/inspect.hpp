// Looking at a log from outside: reads a directory without changing or locking it. Safe beside a
// running log: what is being written at the moment may or may not be in the picture.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "wal/log.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Which entries to hand out.
enum class selection {
  none,
  pending,  ///< in replay order, entries with the same source, destination and idempotency key once
  delivered,  ///< in the order of the log
  failed,     ///< dead letters
  all,        ///< every entry line, whatever its status
};

/// Narrows a selection; what is empty does not count.
struct entry_filter {
  std::string source;
  std::optional<core::time_point> since;  ///< timestamps from here on
  std::optional<core::time_point> until;  ///< timestamps before this
};

/// The first line that is damaged.
struct damage {
  std::string segment;       ///< file name
  std::uint64_t line = 0;    ///< counted from 1
  std::uint64_t offset = 0;  ///< of the line's first byte
  std::string what;
};

/// One file of the log: a segment, or the dead-letter file.
struct segment_inspection {
  std::string name;
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t pending = 0;  ///< duplicates included
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;    ///< dead letters
  std::uint64_t given_up = 0;  ///< failed entries that were redriven or purged
  std::uint64_t damaged = 0;
  bool settled = true;  ///< every line says its entry's true status
  bool sealed = false;  ///< mode mac: it ends with a seal
  std::string key_id;   ///< of the key it is encrypted with; empty: plain
};

struct inspection {
  std::uint64_t segments = 0;  ///< the dead-letter file is none
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t pending = 0;
  /// Entries that wait, but are not handed on: another one shares their source, destination and
  /// idempotency key, and they get its status.
  std::uint64_t duplicates = 0;
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;
  std::uint64_t status_lines = 0;
  std::uint64_t crc_failures = 0;
  std::uint64_t integrity_failures = 0;
  std::uint64_t torn_lines = 0;
  std::uint64_t malformed_lines = 0;
  std::uint64_t sentinel_failures = 0;
  std::uint64_t undecodable_lines = 0;
  std::optional<damage> first_damage;
  std::vector<segment_inspection> files;  ///< oldest first, the dead-letter file before them
};

/// Reads the log in `how.directory` with `how`'s integrity mode and keys, and calls `emit` with the
/// JSON of each selected entry, as stored (decrypted). Errors: `not_found` (no such directory),
/// `bad_config` (a key is missing or is another one), `io_failed`.
core::result<inspection> inspect(const options& how, selection which, const entry_filter& filter,
                                 const std::function<void(std::string_view json)>& emit);

using dead_letter_visitor = std::function<core::result<void>(dead_letter&&)>;

/// Hands each dead letter that fits to `visit`, oldest first; stops with its first error. Errors as
/// of inspect().
core::result<void> read_dead_letters(const options& how, const dead_letter_filter& which,
                                     const dead_letter_visitor& visit);

}  // namespace nexus::wal
