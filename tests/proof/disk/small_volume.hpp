// A file system of a few MiB, mounted for the time of a test. Mounting is root's: where it is
// refused there is no volume, and a reason.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/result.hpp"
#include "tests/support/temp_dir.hpp"

namespace nexus::proof {

class small_volume {
 public:
  enum class kind {
    tmpfs,
    ext4,
    ext4_small_blocks  ///< of 1 KiB, not 4: what mkfs chooses for small volumes
  };

  /// Nothing if it can't be mounted: then a line on standard output says SKIPPED, and why.
  static std::unique_ptr<small_volume> mount(kind what, unsigned size_mb);
  ~small_volume();
  small_volume(const small_volume&) = delete;
  small_volume& operator=(const small_volume&) = delete;

  std::string path() const { return directory_ / "volume"; }
  std::uint64_t free_bytes() const;
  /// Disk space that the files below `directory` take.
  static std::uint64_t used_bytes(const std::string& directory);

  /// Takes all space but `leave` bytes.
  void fill(std::uint64_t leave);
  /// Gives it back.
  void empty();

 private:
  small_volume() = default;
  core::result<void> mount_tmpfs(unsigned size_mb) const;
  core::result<void> mount_ext4(unsigned size_mb, const char* block_bytes) const;
  std::string ballast() const { return path() + "/ballast"; }

  test::temp_dir directory_;
  bool mounted_ = false;
};

}  // namespace nexus::proof
