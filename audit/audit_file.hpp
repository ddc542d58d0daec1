// A file of the interaction log that is written to, and the names of those beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "core/timestamp.hpp"

namespace nexus::audit {

/// For one thread, but for `path`.
class audit_file {
 public:
  audit_file(core::file_system& files, std::string path) : files_(files), path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }
  /// Bytes that are known to be whole.
  std::uint64_t size() const noexcept { return size_; }

  /// Opens it, or creates it; a line that a crash has cut off is ended. It is also done by `append`
  /// where the file is not open, or not in its place any more.
  core::result<void> open();
  /// Writes and syncs. After an error none of it counts as written, and the file is opened anew.
  core::result<void> append(std::string_view bytes);
  /// Gives what there is another name; the next append begins a new file.
  core::result<void> rename_to(const std::string& path);

 private:
  core::file_system& files_;
  const std::string path_;
  std::unique_ptr<core::file> file_;
  std::uint64_t size_ = 0;
};

/// The directory of a path.
std::string directory_of(const std::string& path);

/// "interactions-shadow.jsonl" beside "interactions.jsonl".
std::string shadow_path(const std::string& path);

/// What the name of a rotated file says: "20260407-010203"; `number` > 0 tells those of the same
/// second apart: "20260407-010203-1".
std::string rotation_time(core::time_point when, std::size_t number);

/// The order in which they came.
struct earlier {
  bool operator()(const std::string& a, const std::string& b) const;
};
using rotation_times = std::set<std::string, earlier>;

/// "interactions-20260407-010203.jsonl"
std::string rotated_path(const std::string& path, const std::string& time);

/// Those of the rotated files of `path`.
core::result<rotation_times> find_rotations(core::file_system& files, const std::string& path);

}  // namespace nexus::audit
