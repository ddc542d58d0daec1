// Looking at a log from outside: reads a directory without changing or locking it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Which entries to hand out.
enum class selection {
  none,
  pending,  ///< in replay order, entries with the same source, destination and idempotency key once
  delivered,  ///< in the order of the log
  failed,
  all,  ///< every entry line, whatever its status
};

/// The first line that is damaged.
struct damage {
  std::string segment;       ///< file name
  std::uint64_t line = 0;    ///< counted from 1
  std::uint64_t offset = 0;  ///< of the line's first byte
  std::string what;
};

struct inspection {
  std::uint64_t segments = 0;
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
  std::optional<damage> first_damage;
};

/// Reads the log in `how.directory` with `how`'s integrity mode and key, and calls `emit` with the
/// JSON of each selected entry, exactly as stored. Errors: `not_found` (no such directory),
/// `bad_config` (mode mac without a key), `io_failed`.
core::result<inspection> inspect(const options& how, selection which,
                                 const std::function<void(std::string_view json)>& emit);

}  // namespace nexus::wal
