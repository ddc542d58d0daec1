// How a log is opened, and what it tells the outside.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/log.hpp"
#include "core/timestamp.hpp"

namespace nexus::wal {

/// How lines are protected. `crc32` finds accidents, `mac` also finds changes by someone without
/// the key.
enum class integrity_mode { crc32, mac };

/// How lines are encrypted. AES needs a CPU with AES instructions; the other one runs anywhere.
enum class cipher { aes_256_gcm, xchacha20_poly1305 };

struct encryption_options {
  /// New segments are encrypted, old ones as they are rewritten. False: the other way round; then
  /// the keys are only for reading what is still encrypted.
  bool enabled = false;
  cipher with = cipher::aes_256_gcm;
  /// 32 bytes each. The first one encrypts, all of them decrypt.
  std::vector<std::string> keys;
};

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
  encryption_options encryption;
  /// A sealed segment without pending entries is deleted this many hours after its last change; its
  /// permanent failures go to the dead-letter file first. 0: as soon as possible, -1: never.
  std::int64_t retain_delivered_hours = 168;
  /// Appends are refused (`wal_full`) while the file system has less free space than this; status
  /// lines and dead letters are still written.
  std::uint64_t min_free_bytes = 16 << 20;
  /// Size of the file `reserve`, which gives its space to status lines and dead letters when the
  /// disk is full to the last byte. 0: no such file.
  std::uint64_t reserve_bytes = 4 << 20;
  /// Called for each tampered line, on the thread that reads it, while the log is locked: must not
  /// call the log.
  std::function<void(const security_event&)> on_security_event;
  /// Bytes read so far and bytes in all, while opening; called about every 64 MiB.
  std::function<void(std::uint64_t done, std::uint64_t total)> on_progress;
  /// While much is appended so many bytes of segments may wait to be settled, which costs as much
  /// of the disk as appending them did; close() settles what is left, and takes as long as the disk
  /// needs for that.
  std::uint64_t unsettled_bytes_max = std::uint64_t(512) << 20;
  /// Run a thread that settles sealed segments and syncs status lines within a second. Without it,
  /// call `maintain`.
  bool background_maintenance = true;
  core::logger_ptr log = core::make_null_logger();
  core::wall_clock clock = core::now;
  core::file_system* files = &core::posix_files();
};

}  // namespace nexus::wal
