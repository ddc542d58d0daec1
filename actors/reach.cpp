#include "actors/reach.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace nexus::actors {
namespace {

using clock = std::chrono::steady_clock;

class descriptor {
 public:
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// 0, or what errno says.
int connect_within(const addrinfo& to, clock::time_point deadline) {
  const descriptor fd(
      ::socket(to.ai_family, to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, to.ai_protocol));
  if (fd.get() < 0) return errno;
  if (::connect(fd.get(), to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd one{fd.get(), POLLOUT, 0};
  for (;;) {
    using std::chrono::milliseconds;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock::now());
    const int ready = ::poll(&one, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready == 0) return ETIMEDOUT;
    if (ready > 0) break;
    if (errno != EINTR) return errno;
  }
  int result = 0;
  socklen_t size = sizeof result;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

}  // namespace

core::result<void> reach(const std::string& host, std::uint16_t port, clock::time_point deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return core::error{core::errc::unreachable,
                       fmt::format("{}: {}", host, ::gai_strerror(failed))};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(found, &::freeaddrinfo);
  int why = 0;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    why = connect_within(*one, deadline);
    if (why == 0) return {};
  }
  return core::error{core::errc::unreachable,
                     core::os_error(why, fmt::format("{}:{}", host, port)).text};
}

}  // namespace nexus::actors
