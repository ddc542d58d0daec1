// How a log is opened, and what it tells the outside.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/file.hpp"
#include "core/log.hpp"
#include "core/timestamp.hpp"

namespace nexus::wal {

/// How lines are protected. `crc32` finds accidents, `mac` also finds changes by someone without
/// the key.
enum class integrity_mode { crc32, mac };

/// A line whose HMAC is wrong: someone without the key has changed it.
struct security_event {
  std::string type = "wal_tamper_detected";
  std::string segment_file;       ///< full path
  std::uint64_t line_number = 0;  ///< counted from 1 within the segment
};

struct options {
  std::string directory;
  /// A segment that reaches this size is sealed and a new one is begun; 0 or less: 50.
  std::int64_t max_segment_size_mb = 50;
  integrity_mode integrity = integrity_mode::crc32;
  /// Key of the HMAC, any length but 0; needed for `mac`.
  std::string mac_key;
  /// In mode `mac`: take lines without an HMAC, written before the mode was switched on. False:
  /// they are damage.
  bool accept_unsigned = true;
  /// Called for each tampered line, on the thread that reads it, while the log is locked: must not
  /// call the log.
  std::function<void(const security_event&)> on_security_event;
  /// Bytes read so far and bytes in all, while opening; called about every 64 MiB.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
  /// Run a thread that settles sealed segments and syncs status lines within a second. Without it,
  /// call `maintain`.
  bool background_maintenance = true;
  core::logger_ptr log = core::make_null_logger();
  core::wall_clock clock = core::now;
  core::file_system* files = &core::posix_files();
};

}  // namespace nexus::wal
