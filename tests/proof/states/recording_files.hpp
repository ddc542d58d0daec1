// A file system in memory that notes every change of it: what a power cut leaves can be worked out
// afterwards for each moment (crash_point.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/file.hpp"

namespace nexus::test {

/// What a file holds: `bytes`, and zeros behind them up to `size`.
struct content {
  std::string bytes;
  std::uint64_t size = 0;

  void write(std::uint64_t offset, std::string_view what);
  void resize(std::uint64_t to);
  /// Equal for equal bytes, however many of its zeros are spelled out.
  std::uint64_t hash() const;
  bool operator==(const content& other) const;
};

/// The files of a disk by path.
using disk_image = std::map<std::string, std::shared_ptr<const content>>;

/// One step that changes a disk, or that makes earlier ones durable. Files are known by a number,
/// as inodes are: a rename changes the name only.
struct change {
  enum class kind { create, write, resize, sync, rename, remove, sync_directory };
  kind what;
  std::uint64_t file = 0;    ///< of create, write, resize, sync
  std::uint64_t offset = 0;  ///< of a write; of a resize: the new size
  std::string bytes;         ///< of a write
  std::string path;          ///< of create, rename, remove, sync_directory
  std::string to;            ///< of a rename
};

/// Nothing fails but what must: names that are missing or taken, and a lock that is held. Any
/// thread; `record` and `image` only while no other one is at work.
class recording_files final : public core::file_system {
 public:
  /// The files of `start` are durable, and numbered from 0 in the order of their paths.
  explicit recording_files(const disk_image& start = {}, core::wall_clock clock = core::now);

  const std::vector<change>& record() const { return record_; }
  /// How many changes there are by now.
  std::size_t position() const;
  /// All that was written, synced or not.
  disk_image image() const;
  /// While it is set every change fails: what a killed process had in mind is never done.
  void set_frozen(bool frozen) { frozen_ = frozen; }
  /// Told to those who ask for free bytes.
  void set_free(std::uint64_t bytes) { free_ = bytes; }

  core::result<std::unique_ptr<core::file>> open_read(const std::string& path) override;
  core::result<std::unique_ptr<core::file>> open_write(const std::string& path) override;
  core::result<std::unique_ptr<core::file>> create(const std::string& path) override;
  core::result<void> rename(const std::string& from, const std::string& to) override;
  core::result<void> remove(const std::string& path) override;
  core::result<void> sync_directory(const std::string& path) override;
  core::result<core::time_point> modified_at(const std::string& path) override;
  core::result<void> make_directory(const std::string& path) override;
  core::result<std::vector<std::string>> list(const std::string& path) override;
  core::result<std::unique_ptr<core::file_lock>> lock(const std::string& path) override;
  core::result<std::uint64_t> free_bytes(const std::string& path) override;

 private:
  class open_file;
  class held_lock;
  struct inode {
    inode(std::uint64_t number_, content holds_, core::time_point modified_)
        : number(number_), holds(std::move(holds_)), modified(modified_) {}
    std::uint64_t number;
    content holds;
    core::time_point modified;
  };

  core::result<std::unique_ptr<core::file>> open(const std::string& path);
  core::result<void> check_changeable() const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<inode>> names_;
  std::set<std::string> locked_;
  std::vector<change> record_;
  std::uint64_t next_number_ = 0;
  std::atomic<bool> frozen_ = false;
  std::uint64_t free_ = std::uint64_t{1} << 40;
  core::wall_clock clock_;
};

}  // namespace nexus::test
