// A file system that fails where a test wants it to, and that knows what a power cut would leave
// behind.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/file.hpp"

namespace nexus::test {

/// What can fail. Those up to `make_directory` change a disk, the others only look at it.
enum class operation {
  create,
  write,
  sync,
  allocate,
  truncate,
  rename,
  remove,
  sync_directory,
  make_directory,  ///< of one that is missing
  open_read,
  open_write,
  read,
  list,
  check_in_place,
};

/// Which operations fail, and how.
struct fault {
  std::optional<operation> which;  ///< none: any of those that change a disk
  std::uint64_t nth = 1;           ///< the n-th such operation from now on, counted from 1
  bool all_after = false;          ///< and every later one, until heal()
  int error = 5;                   ///< errno; 5 is EIO
  std::size_t short_write = 0;  ///< a failing write puts this many bytes into the file all the same
};

/// What a power cut leaves of what was never synced.
enum class survival {
  nothing,     ///< exactly the synced state
  everything,  ///< all of it: the machine had written it back on its own
  torn,        ///< directory entries, and the first half of each file's unsynced bytes
};

/// Works on the real files of one directory and its subdirectories, and keeps a model of what is
/// durable:
/// - a file's bytes are those of its last successful sync(); after a failed one the unsynced bytes
///   never become durable, as on a kernel that drops the pages it could not write;
/// - the names in a directory are those of its last successful sync_directory(); subdirectories are
///   durable from the start, and gone after a crash if they hold no file.
/// Files that were there before are durable. Nothing is really synced: that makes it fast. Any
/// thread.
class failing_files : public core::file_system {
 public:
  explicit failing_files(std::string directory);

  /// Sets the one fault; counting starts now.
  void fail(fault which);
  /// From the n-th changing operation from now on (counted from 1) the power is off: nothing
  /// changes any more.
  void cut_power_at(std::uint64_t n);
  void heal();
  /// Pretends a disk with room for so many bytes, in files that hold some already: what was
  /// allocated or written counts, a hole does not; removing and shortening gives bytes back. A
  /// write that does not fit writes what fits, and fails with ENOSPC; an allocation that does not
  /// fit fails as a whole. None: as much as the real disk has. heal() does not change it.
  void set_capacity(std::optional<std::uint64_t> bytes);
  /// Free bytes to be told instead of the true ones. heal() does not change it.
  void pretend_free(std::optional<std::uint64_t> bytes);
  /// Puts the directory into the state that a power cut now would leave, and switches the power on
  /// again. Nothing may have a file of it open any more, but for reading.
  void crash(survival what = survival::nothing);

  /// Changing operations since the last fail(), cut_power_at() or heal().
  std::uint64_t operations() const;
  /// Operations of one kind since construction, failed ones included.
  std::uint64_t count(operation kind) const;
  /// Operations that the fault has made fail since it was set.
  std::uint64_t faults_fired() const;
  /// Writes and syncs of a file through the same opening after a sync of it had failed: what they
  /// report can't be trusted, so there must be none.
  std::uint64_t uses_after_failed_sync() const;

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
  class tracked_file;
  /// A change of a file's bytes that has not been synced. `bytes` at `offset`, or a new size.
  struct change {
    std::uint64_t offset = 0;
    std::string bytes;
    std::optional<std::uint64_t> size;
  };
  /// What is known of one file, whatever its name is.
  struct node {
    std::string durable;
    std::vector<change> unsynced;
    std::uint64_t taken = 0;  ///< bytes of the disk
  };
  using names = std::map<std::string, std::shared_ptr<node>>;

  /// The error with which this operation fails, if it does.
  std::optional<core::error> strike(operation kind, const std::string& path);
  static void apply(std::string& bytes, const change& what);
  static std::string after_crash(const node& file, survival what);
  /// Relative to the directory.
  std::string name_of(const std::string& path) const;
  std::uint64_t room() const;
  void learn_directory();

  const std::string directory_;
  mutable std::mutex mutex_;
  names live_, durable_;
  std::optional<fault> fault_;
  std::uint64_t matched_ = 0, fired_ = 0, operations_ = 0, uses_after_failed_sync_ = 0;
  std::optional<std::uint64_t> capacity_, pretended_free_;
  bool power_off_ = false;
  std::optional<std::uint64_t> power_off_at_;
  std::map<operation, std::uint64_t> counts_;
};

}  // namespace nexus::test
