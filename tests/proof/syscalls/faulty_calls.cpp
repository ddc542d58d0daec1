// Preloaded into a process (LD_PRELOAD): counts its calls on the files that the plan means, and has
// one of them fail as the plan says. A call counts only if the fault can happen to it: rename is
// not interrupted, and only what opens a file runs out of descriptors.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/proof/syscalls/fault_plan.hpp"

namespace {

using nexus::proof::call;
using nexus::proof::fault;
using nexus::proof::fault_plan;

fault_plan* plan = nullptr;  // until the library is initialised, calls just pass

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

[[gnu::constructor]] void begin() {
  const char* path = std::getenv(nexus::proof::fault_plan_variable);
  if (path == nullptr) return;
  const int fd = next<int (*)(const char*, int, ...)>("open")(path, O_RDWR | O_CLOEXEC);
  void* shared =
      fd < 0 ? MAP_FAILED
             : ::mmap(nullptr, sizeof(fault_plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED) ::_exit(125);
  ::close(fd);
  plan = static_cast<fault_plan*>(shared);
}

[[gnu::destructor]] void end() {
  if (plan != nullptr) plan->ended = true;
}

bool is_meant(const char* path) {
  return std::strncmp(path, plan->paths.data(), std::strlen(plan->paths.data())) == 0;
}

bool is_meant(int fd) {
  char link[32];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  char path[PATH_MAX];
  const ssize_t n = ::readlink(link, path, sizeof path - 1);
  path[std::max<ssize_t>(n, 0)] = '\0';
  return is_meant(path);
}

struct attempt {
  call kind;
  std::size_t bytes = 0;  ///< of a write
  bool creates = false;   ///< an open that may create the file
};

bool can_fail(const attempt& what, int number) {
  switch (number) {
    case EMFILE:
      return what.kind == call::open;
    case ENOSPC:
    case EDQUOT:
      return what.kind == call::open ? what.creates
                                     : what.kind != call::unlink && what.kind != call::truncate;
    case EINTR:
      return what.kind != call::rename && what.kind != call::unlink;
    default:
      return true;
  }
}

bool can_happen(const attempt& what) {
  switch (plan->how) {
    case fault::none:
    case fault::kill_before:
    case fault::kill_after:
      return true;
    case fault::cut_short:
      return what.kind == call::write && what.bytes > 1;
    case fault::error:
      return can_fail(what, plan->error_number);
  }
  return false;
}

/// Whether this is the call that the fault happens to.
bool fires(const attempt& what) {
  ++plan->of_kind[static_cast<std::size_t>(what.kind)];
  if (!can_happen(what)) return false;
  const auto number = ++plan->calls;
  if (plan->how == fault::none) return false;
  if (plan->lasting ? number < plan->at : number != plan->at) return false;
  if (plan->fired++ == 0) plan->fired_in = static_cast<std::uint32_t>(what.kind);
  return true;
}

/// `carry_out` is the call itself, with the number of bytes to write.
template <class CarryOut>
auto perform(bool meant, const attempt& what, const CarryOut& carry_out)
    -> decltype(carry_out(what.bytes)) {
  if (!meant || !fires(what)) return carry_out(what.bytes);
  if (plan->how == fault::cut_short) return carry_out(what.bytes / 2);
  if (plan->how == fault::error) {
    errno = plan->error_number;
    return -1;
  }
  if (plan->how == fault::kill_after) carry_out(what.bytes);
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

template <class File, class CarryOut>
auto on(const File& file, const attempt& what, const CarryOut& carry_out) {
  return perform(plan != nullptr && is_meant(file), what, carry_out);
}

mode_t mode_in(int flags, va_list arguments) {
  return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

/// The first `most` bytes of the pieces.
class shortened {
 public:
  shortened(const iovec* from, int count, std::size_t most) {
    for (; count_ < std::min(count, IOV_MAX) && most > 0; ++count_) {
      pieces_[count_] = from[count_];
      pieces_[count_].iov_len = std::min(most, from[count_].iov_len);
      most -= pieces_[count_].iov_len;
    }
  }
  const iovec* data() const { return pieces_; }
  int count() const { return count_; }

 private:
  iovec pieces_[IOV_MAX];
  int count_ = 0;
};

std::size_t size_of(const iovec* pieces, int count) {
  std::size_t sum = 0;
  for (int i = 0; i < count; ++i) sum += pieces[i].iov_len;
  return sum;
}

}  // namespace

// glibc has some of these calls under two names, which are one function.
extern "C" {

int open(const char* path, int flags, ...) {
  static const auto real = next<int (*)(const char*, int, ...)>("open");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return on(path, {call::open, 0, (flags & O_CREAT) != 0},
            [&](std::size_t) { return real(path, flags, mode); });
}
int open64(const char* path, int flags, ...) __attribute__((alias("open")));

int openat(int folder, const char* path, int flags, ...) {
  static const auto real = next<int (*)(int, const char*, int, ...)>("openat");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return on(path, {call::open, 0, (flags & O_CREAT) != 0},
            [&](std::size_t) { return real(folder, path, flags, mode); });
}
int openat64(int folder, const char* path, int flags, ...) __attribute__((alias("openat")));

ssize_t write(int fd, const void* bytes, std::size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  return on(fd, {call::write, count}, [&](std::size_t most) { return real(fd, bytes, most); });
}

ssize_t writev(int fd, const iovec* pieces, int count) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
  return on(fd, {call::write, size_of(pieces, count)}, [&](std::size_t most) {
    const shortened some(pieces, count, most);
    return real(fd, some.data(), some.count());
  });
}

ssize_t pwrite(int fd, const void* bytes, std::size_t count, off_t at) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  return on(fd, {call::write, count}, [&](std::size_t most) { return real(fd, bytes, most, at); });
}
ssize_t pwrite64(int fd, const void* bytes, std::size_t count, off64_t at)
    __attribute__((alias("pwrite")));

ssize_t pwritev(int fd, const iovec* pieces, int count, off_t at) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int, off_t)>("pwritev");
  return on(fd, {call::write, size_of(pieces, count)}, [&](std::size_t most) {
    const shortened some(pieces, count, most);
    return real(fd, some.data(), some.count(), at);
  });
}
ssize_t pwritev64(int fd, const iovec* pieces, int count, off64_t at)
    __attribute__((alias("pwritev")));

int fsync(int fd) {
  static const auto real = next<int (*)(int)>("fsync");
  return on(fd, {call::sync}, [&](std::size_t) { return real(fd); });
}

int fdatasync(int fd) {
  static const auto real = next<int (*)(int)>("fdatasync");
  return on(fd, {call::sync}, [&](std::size_t) { return real(fd); });
}

int ftruncate(int fd, off_t size) noexcept {
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  return on(fd, {call::truncate}, [&](std::size_t) { return real(fd, size); });
}
int ftruncate64(int fd, off64_t size) noexcept __attribute__((alias("ftruncate")));

int fallocate(int fd, int mode, off_t from, off_t size) {
  static const auto real = next<int (*)(int, int, off_t, off_t)>("fallocate");
  return on(fd, {call::allocate}, [&](std::size_t) { return real(fd, mode, from, size); });
}
int fallocate64(int fd, int mode, off64_t from, off64_t size) __attribute__((alias("fallocate")));

int rename(const char* from, const char* to) noexcept {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return on(from, {call::rename}, [&](std::size_t) { return real(from, to); });
}

int unlink(const char* path) noexcept {
  static const auto real = next<int (*)(const char*)>("unlink");
  return on(path, {call::unlink}, [&](std::size_t) { return real(path); });
}

}  // extern "C"
