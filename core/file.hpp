// The one door to the operating system for everything that must survive a crash. Tests bring a file
// system that fails, or that forgets what was not synced.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/timestamp.hpp"

namespace nexus::core {

/// An open file. Not for use from two threads at once, except `read_at`.
class file {
 public:
  virtual ~file() = default;

  /// Reads into `into` from `offset`; fewer bytes only at the end of the file. Any thread.
  virtual result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const = 0;
  /// Writes all pieces, one after the other, at `offset`. On an error any part of them may be in
  /// the file.
  virtual result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  /// After this returns success, what was written before the call survives a power cut (fdatasync).
  /// After a failure the state of the unsynced bytes is unknown: never try again and go on.
  virtual result<void> sync() = 0;
  /// Reserves disk space for `size` bytes; the file's size grows to it, the new part reads as
  /// zeros.
  virtual result<void> allocate(std::uint64_t size) = 0;
  virtual result<void> truncate(std::uint64_t size) = 0;
  virtual result<std::uint64_t> size() const = 0;
  /// Checks that the path it was opened with still leads to this file. Error `io_failed` if the
  /// file or its directory was removed, renamed or replaced: what is written then is lost.
  virtual result<void> check_in_place() const = 0;
};

/// Held until destroyed, or until the process dies.
class file_lock {
 public:
  virtual ~file_lock() = default;
};

/// Files and directories by path. Any thread.
class file_system {
 public:
  virtual ~file_system() = default;

  virtual result<std::unique_ptr<file>> open_read(const std::string& path) = 0;
  /// Opens an existing file for reading and writing.
  virtual result<std::unique_ptr<file>> open_write(const std::string& path) = 0;
  /// Creates a file with mode 0600; an error if there is one. Durable after `sync_directory`.
  virtual result<std::unique_ptr<file>> create(const std::string& path) = 0;
  virtual result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual result<void> remove(const std::string& path) = 0;
  /// Makes creations, renames and removals in `path` survive a power cut.
  virtual result<void> sync_directory(const std::string& path) = 0;
  /// When the contents of `path` were last changed.
  virtual result<time_point> modified_at(const std::string& path) = 0;
  /// Creates `path` and its parents with mode 0700 where they are missing, and sets `path` itself
  /// to 0700.
  virtual result<void> make_directory(const std::string& path) = 0;
  /// Names of the entries of a directory, in no order.
  virtual result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Takes an exclusive lock on the file (created if missing) and writes this process's id into it.
  /// Error: `locked`, naming the id of the process that holds it.
  virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;
  /// Bytes that an unprivileged process may still write on the file system of `path`.
  virtual result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

/// The real one.
file_system& posix_files();

/// Creates a file, and its directory only where that is missing: one that exists may be
/// everybody's, and keeps its mode. Durable after `sync_directory`. Any thread.
result<std::unique_ptr<file>> create_with_directory(file_system& files, const std::string& path);

}  // namespace nexus::core
