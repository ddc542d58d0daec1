// The file behind the JSON Lines destination: what is in it, what is known of it, and how it is
// rotated. Internal to that destination.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"
#include "destinations/jsonl.hpp"
#include "destinations/recent_ids.hpp"

namespace nexus::destinations {

struct jsonl_text {
  std::string payload_id;  ///< empty: never taken as repeated
  std::string line;        ///< with its newline
};

/// Shared by the instances of one file; calls take turns. Any thread.
///
/// Between two calls the file, if it is open, is `size_` bytes long and ends with a newline, unless
/// `unclean_` is set.
class jsonl_file {
 public:
  jsonl_file(std::string path, core::file_system& files);

  /// Writes those lines that are not known to be there, all of them or (on an error) none.
  core::result<void> append(std::span<const jsonl_text> lines, const jsonl_options& how);
  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids,
                                         std::chrono::milliseconds timeout);
  /// Whether the file could be written to, or created.
  core::result<void> ping() const;

 private:
  using turn = std::unique_lock<std::timed_mutex>;
  core::result<turn> take_turn(std::chrono::milliseconds timeout);

  core::result<void> ready(const jsonl_options& how);
  core::result<void> open(const jsonl_options& how);
  core::result<void> create();
  core::result<void> learn_rotated(std::uint64_t budget);
  core::result<void> learn_open_file();
  core::result<void> mend_tail(std::uint64_t end, std::uint64_t size);
  void remember(std::string_view line);
  core::result<void> rotate(const jsonl_options& how);
  core::result<void> write(const std::vector<std::string_view>& pieces, bool sync);
  core::result<void> take_back();

  const std::string path_;
  core::file_system& files_;
  std::timed_mutex turn_;
  std::unique_ptr<core::file> file_;
  std::uint64_t size_ = 0;
  /// Behind `size_` stands what a failed write has left, and could not be cut off yet.
  bool unclean_ = false;
  recent_ids known_;
};

}  // namespace nexus::destinations
