#include "cli/stop_request.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace nexus::cli {
namespace {

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

sigset_t all_signals() {
  sigset_t set = stop_signals();
  sigaddset(&set, SIGHUP);
  return set;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

constexpr std::int64_t patience_ns = 500'000'000;

// A signal handler sees nothing but globals.
std::atomic<std::int64_t> impatient_from_ns = 0;
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

/// Only calls that a signal handler may make.
void end_if_impatient(int) {
  if (now_ns() >= impatient_from_ns) ::_exit(1);
}

void end_on_further_signals() {
  impatient_from_ns = now_ns() + patience_ns;
  struct sigaction how {};
  how.sa_handler = end_if_impatient;
  how.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &how, nullptr);
  ::sigaction(SIGTERM, &how, nullptr);
  const sigset_t set = stop_signals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

stop_request::stop_request() {
  const sigset_t set = all_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  requests_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (signals_ < 0 || requests_ < 0) std::abort();  // out of descriptors before anything began
}

stop_request::~stop_request() {
  ::close(signals_);
  ::close(requests_);
}

void stop_request::request() {
  const std::uint64_t one = 1;
  // It can only fail when the counter is full, and then the request has been made already.
  [[maybe_unused]] const ssize_t n = ::write(requests_, &one, sizeof one);
}

stop_request::origin stop_request::wait() {
  std::array<pollfd, 2> waiting{{{signals_, POLLIN, 0}, {requests_, POLLIN, 0}}};
  while (::poll(waiting.data(), waiting.size(), -1) < 0 && errno == EINTR) {
  }
  const bool by_signal = waiting[0].revents != 0;
  signalfd_siginfo taken{};
  if (by_signal) {
    [[maybe_unused]] const ssize_t n = ::read(signals_, &taken, sizeof taken);
  }
  if (taken.ssi_signo == SIGHUP) return origin::hangup;
  end_on_further_signals();
  return by_signal ? origin::signal : origin::program;
}

}  // namespace nexus::cli
