// A file that lines are appended to, and that is renamed when it has grown enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"

namespace nexus::ingest {

struct rotating_file_options {
  std::string path;         ///< absolute
  std::uint64_t bytes_max;  ///< a line beyond it begins a new file
  std::size_t files_max;    ///< old ones that are kept; PATH.1 is the youngest, at least one
};

/// For one thread. Whoever else renames or cuts the file off (logrotate) does no harm: it is looked
/// at before each append.
class rotating_file {
 public:
  /// Opens the file or creates it, 0600, in a directory that is created, 0700, if it is missing.
  /// `files` must outlive this object.
  static core::result<std::unique_ptr<rotating_file>> open(core::file_system& files,
                                                           rotating_file_options how);

  /// Appends lines, which have no line feed; a line is written whole or not at all. Returns how
  /// many were written in `written`, also with an error; the next call tries anew.
  core::result<void> append(const std::vector<std::string>& lines, std::size_t& written);

 private:
  rotating_file(core::file_system& files, rotating_file_options how)
      : files_(files), how_(std::move(how)) {}

  core::result<void> reopen();
  core::result<void> make_room(std::uint64_t bytes);
  core::result<void> rotate();
  core::result<void> write(const std::string& text);
  std::string old_name(std::size_t number) const;

  core::file_system& files_;
  const rotating_file_options how_;
  std::unique_ptr<core::file> file_;  ///< null after an error
  std::uint64_t size_ = 0;
  bool ends_in_line_ = true;  ///< else somebody's half line stands at the end
};

}  // namespace nexus::ingest
