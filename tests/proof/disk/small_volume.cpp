#include "tests/proof/disk/small_volume.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <vector>

#include "core/error.hpp"
#include "tests/integration/server_home.hpp"

namespace nexus::proof {

namespace {

/// Mounts of its own for this process and its children: they are gone when it is, however it ends.
core::result<void> leave_mounts_alone() {
  static const int number =
      ::unshare(CLONE_NEWNS) == 0 &&
              ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
          ? 0
          : errno;
  if (number != 0) return core::os_error(number, "cannot have mounts of its own");
  return {};
}

core::result<void> run(const std::vector<std::string>& command) {
  if (!std::filesystem::exists(command[0])) {
    return core::error{core::errc::unsupported, "there is no " + command[0]};
  }
  const auto outcome = test::run_program(command);
  if (outcome.status == 0) return {};
  return core::error{core::errc::io_failed, command[0] + ": " + outcome.err};
}

}  // namespace

core::result<void> small_volume::mount_tmpfs(unsigned size_mb) const {
  const std::string size = "size=" + std::to_string(size_mb) + "m";
  if (::mount("tmpfs", path().c_str(), "tmpfs", 0, size.c_str()) == 0) return {};
  return core::os_error(errno, "cannot mount");
}

core::result<void> small_volume::mount_ext4(unsigned size_mb, const char* block_bytes) const {
  const std::string image = directory_ / "image";
  test::write_file(image, "");
  std::filesystem::resize_file(image, std::uint64_t{size_mb} << 20);
  if (auto made = run({"/sbin/mkfs.ext4", "-q", "-m", "0", "-b", block_bytes, image}); !made)
    return made;
  return run({"/bin/mount", "-o", "loop", image, path()});
}

std::unique_ptr<small_volume> small_volume::mount(kind what, unsigned size_mb) {
  std::unique_ptr<small_volume> made(new small_volume);
  std::filesystem::create_directory(made->path());
  auto done = leave_mounts_alone();
  if (done && what == kind::tmpfs) {
    done = made->mount_tmpfs(size_mb);
  } else if (done) {
    done = made->mount_ext4(size_mb, what == kind::ext4 ? "4096" : "1024");
  }
  made->mounted_ = done.ok();
  if (done) return made;
  std::cout << "SKIPPED: no volume of " << (what == kind::tmpfs ? "tmpfs" : "ext4") << ": "
            << done.reason().text << std::endl;
  return nullptr;
}

small_volume::~small_volume() {
  if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
}

std::uint64_t small_volume::free_bytes() const {
  struct statvfs info;
  if (::statvfs(path().c_str(), &info) != 0) throw std::runtime_error("statvfs " + path());
  return std::uint64_t{info.f_bavail} * info.f_frsize;
}

std::uint64_t small_volume::used_bytes(const std::string& directory) {
  constexpr std::uint64_t block = 512;
  std::uint64_t sum = 0;
  for (const auto& one : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat info;
    if (::stat(one.path().c_str(), &info) == 0) {
      sum += static_cast<std::uint64_t>(info.st_blocks) * block;
    }
  }
  return sum;
}

void small_volume::fill(std::uint64_t leave) {
  const int fd = ::open(ballast().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("open " + ballast());
  // Written, not allocated: nobody else's allocation may then find room. Smaller and smaller, as
  // somebody else takes space meanwhile.
  for (std::size_t piece = 1 << 20; piece >= 512;) {
    const auto left = free_bytes();
    const std::string bytes(left > leave ? std::min<std::uint64_t>(piece, left - leave) : 0, 'x');
    if (bytes.empty()) break;
    if (::write(fd, bytes.data(), bytes.size()) <= 0) piece /= 2;
  }
  ::fsync(fd);
  ::close(fd);
}

void small_volume::empty() {
  std::filesystem::remove(ballast());
}

}  // namespace nexus::proof
