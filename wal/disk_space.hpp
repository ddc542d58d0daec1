// Room on the disk: entries stop before it is full, and a reserve keeps status lines and dead
// letters possible when it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// Name of the reserve's file in the log's directory.
inline constexpr std::string_view reserve_name = "reserve";

/// One thread at a time.
class disk_space {
 public:
  /// `how` must outlive it.
  explicit disk_space(const options& how);

  /// Makes the reserve, where there is none and at least twice its size is free; where there is
  /// not, it is tried again with the next call. Cheap if this object has made or seen it. One that
  /// was left half-made is completed, or removed where there is no room for it; one of another size
  /// gets the configured size. Errors are those of the file system; then there is no reserve, and
  /// the next call tries again.
  core::result<void> keep_reserve();

  /// Error `wal_full` while the file system has less than `min_free_bytes` free: says how much
  /// there is, and what to do. While there is room it asks the file system at most once for each
  /// 4 MiB that are to be written and each 200 ms; while there is not, each time, so that writing
  /// goes on at once. Where the file system can't be asked there is room. `bytes`: about to be
  /// written.
  core::result<void> admit(std::uint64_t bytes);

  /// Whether there should be a reserve, and there is none.
  bool lacks_reserve() const noexcept { return how_.reserve_bytes > 0 && !has_reserve_; }

  /// Gives the reserve's space to whoever writes next. False if there is nothing to give.
  bool release_reserve();

 private:
  /// False if there is no room for it.
  core::result<bool> make_reserve();
  /// False if there was none.
  core::result<bool> remove_reserve();

  const options& how_;
  const std::string path_;
  bool has_reserve_ = false;
  std::uint64_t unchecked_bytes_ = 0;
  std::chrono::steady_clock::time_point checked_at_{};
  core::result<void> outcome_;
};

}  // namespace nexus::wal
