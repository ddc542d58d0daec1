#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <dirent.h>

#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <utility>

#include "core/file.hpp"

namespace nexus::core {
namespace {

/// Owns a file descriptor.
class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Calls `call` until it is not interrupted by a signal.
template <class Call>
auto retry(Call call) {
  auto value = call();
  while (value < 0 && errno == EINTR) value = call();
  return value;
}

class posix_file final : public file {
 public:
  posix_file(descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      auto n = retry([&] {
        return ::pread(fd_.get(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return os_error(errno, "cannot read " + path_);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  result<void> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::array<iovec, 64> parts;
    std::size_t piece = 0, within = 0;
    while (piece < pieces.size()) {
      std::size_t count = 0;
      for (std::size_t i = piece; i < pieces.size() && count < parts.size(); ++i) {
        auto rest = i == piece ? pieces[i].substr(within) : pieces[i];
        parts[count++] = {const_cast<char*>(rest.data()), rest.size()};
      }
      auto n = retry([&] {
        return ::pwritev(fd_.get(), parts.data(), static_cast<int>(count),
                         static_cast<off_t>(offset));
      });
      if (n < 0) return os_error(errno, "cannot write " + path_);
      offset += static_cast<std::uint64_t>(n);
      within += static_cast<std::size_t>(n);
      while (piece < pieces.size() && within >= pieces[piece].size())
        within -= pieces[piece++].size();
    }
    return {};
  }

  result<void> sync() override {
    if (retry([&] { return ::fdatasync(fd_.get()); }) < 0)
      return os_error(errno, "cannot sync " + path_);
    return {};
  }

  result<void> allocate(std::uint64_t size) override {
    if (retry([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) == 0)
      return {};
    if (errno == EOPNOTSUPP) return error{errc::unsupported, "cannot preallocate " + path_};
    return os_error(errno, "cannot preallocate " + path_);
  }

  result<void> truncate(std::uint64_t size) override {
    if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0)
      return os_error(errno, "cannot truncate " + path_);
    return {};
  }

  result<std::uint64_t> size() const override {
    struct stat info;
    if (::fstat(fd_.get(), &info) < 0) return os_error(errno, "cannot stat " + path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  result<void> check_in_place() const override {
    // Nothing but the inode is asked for: since Linux 6.13 who asks for a file's times makes the
    // next write set them anew, and the next sync half as slow again.
    struct statx opened, named;
    if (::statx(fd_.get(), "", AT_EMPTY_PATH, STATX_INO, &opened) < 0)
      return os_error(errno, "cannot stat " + path_);
    if (::statx(AT_FDCWD, path_.c_str(), 0, STATX_INO, &named) < 0 ||
        opened.stx_dev_major != named.stx_dev_major ||
        opened.stx_dev_minor != named.stx_dev_minor || opened.stx_ino != named.stx_ino)
      return error{errc::io_failed, path_ + " was removed or replaced while it was written to"};
    return {};
  }

 private:
  descriptor fd_;
  std::string path_;
};

class posix_lock final : public file_lock {
 public:
  explicit posix_lock(descriptor fd) : fd_(std::move(fd)) {}

 private:
  descriptor fd_;  // the lock ends with it
};

class posix_file_system final : public file_system {
 public:
  result<std::unique_ptr<file>> open_read(const std::string& path) override {
    return open(path, O_RDONLY);
  }
  result<std::unique_ptr<file>> open_write(const std::string& path) override {
    return open(path, O_RDWR);
  }
  result<std::unique_ptr<file>> create(const std::string& path) override {
    return open(path, O_RDWR | O_CREAT | O_EXCL);
  }

  result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0)
      return os_error(errno, "cannot rename " + from + " to " + to);
    return {};
  }

  result<void> remove(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return os_error(errno, "cannot remove " + path);
    return {};
  }

  result<void> sync_directory(const std::string& path) override {
    descriptor fd(retry([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0 || retry([&] { return ::fsync(fd.get()); }) < 0)
      return os_error(errno, "cannot sync the directory " + path);
    return {};
  }

  result<time_point> modified_at(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) < 0) return os_error(errno, "cannot stat " + path);
    return time_point(std::chrono::seconds(info.st_mtim.tv_sec) +
                      std::chrono::nanoseconds(info.st_mtim.tv_nsec));
  }

  result<void> make_directory(const std::string& path) override {
    if (auto made = make_missing(std::filesystem::path(path).lexically_normal().string()); !made)
      return made;
    if (::chmod(path.c_str(), 0700) < 0) return os_error(errno, "cannot set the mode of " + path);
    return {};
  }

  result<std::vector<std::string>> list(const std::string& path) override {
    std::error_code failure;
    std::vector<std::string> names;
    for (std::filesystem::directory_iterator at(path, failure), end; !failure && at != end;
         at.increment(failure))
      names.push_back(at->path().filename().string());
    if (failure) return os_error(failure.value(), "cannot list the directory " + path);
    return names;
  }

  result<std::unique_ptr<file_lock>> lock(const std::string& path) override {
    descriptor fd(retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }));
    if (fd.get() < 0) return os_error(errno, "cannot open the lock file " + path);
    if (retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno != EWOULDBLOCK) return os_error(errno, "cannot lock " + path);
      std::array<char, 32> text{};
      auto n = ::pread(fd.get(), text.data(), text.size(), 0);
      std::string holder(text.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
      holder.erase(holder.find_last_not_of("\n") + 1);
      return error{errc::locked, path + " is held by process " +
                                     (holder.empty() ? "(unknown)" : holder) +
                                     ": stop that process first, or use another directory"};
    }
    auto text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) < 0 ||
        ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      // The lock holds all the same; a full disk must not keep the log from opening.
    }
    return std::unique_ptr<file_lock>(std::make_unique<posix_lock>(std::move(fd)));
  }

  result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info;
    if (retry([&] { return ::statvfs(path.c_str(), &info); }) < 0)
      return os_error(errno, "cannot read the free space of " + path);
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

 private:
  static result<std::unique_ptr<file>> open(const std::string& path, int flags) {
    descriptor fd(retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }));
    if (fd.get() < 0) return os_error(errno, "cannot open " + path);
    return std::unique_ptr<file>(std::make_unique<posix_file>(std::move(fd), path));
  }

  /// Creates each missing directory on the way, and makes its name survive a power cut.
  result<void> make_missing(const std::string& path) {
    std::error_code ignored;
    if (path.empty() || std::filesystem::is_directory(path, ignored)) return {};
    auto parent = std::filesystem::path(path).parent_path().string();
    if (auto made = make_missing(parent); !made) return made;
    if (::mkdir(path.c_str(), 0700) < 0 && errno != EEXIST)
      return os_error(errno, "cannot create the directory " + path);
    return sync_directory(parent.empty() ? "." : parent);
  }
};

}  // namespace

file_system& posix_files() {
  static posix_file_system instance;
  return instance;
}

}  // namespace nexus::core
