#include "bench/hostile_clients.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/http_load.hpp"

namespace nexus::bench {
namespace {

constexpr const char* their_address = "127.0.0.2";
constexpr std::chrono::milliseconds pace{100};
constexpr std::string_view request = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

std::vector<int> open_connections(std::uint16_t port, std::size_t count) {
  std::vector<int> all;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = connect_to(port, their_address);
    if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    all.push_back(fd);
  }
  return all;
}

/// Whether the server has closed it; what it has sent is dropped.
bool is_closed(int fd) {
  std::array<char, 4096> dropped;
  const auto n = ::recv(fd, dropped.data(), dropped.size(), 0);
  return n == 0 || (n < 0 && errno != EAGAIN);
}

/// Connects again where the server has closed.
void renew_closed(std::vector<int>& all, std::uint16_t port) {
  for (int& fd : all) {
    if (fd >= 0 && !is_closed(fd)) continue;
    if (fd >= 0) ::close(fd);
    fd = connect_to(port, their_address);
    if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }
}

[[noreturn]] void send_slowly(std::uint16_t port) {
  auto all = open_connections(port, 1'000);
  for (std::size_t at = 0;; ++at) {
    for (const int fd : all) ::send(fd, &request[at % (request.size() - 2)], 1, MSG_NOSIGNAL);
    if (at % 50 == 49) renew_closed(all, port);
    std::this_thread::sleep_for(pace);
  }
}

[[noreturn]] void read_nothing(std::uint16_t port) {
  auto all = open_connections(port, 200);
  for (;;) {
    for (int& fd : all) {
      const auto n = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
      if (n >= 0 || errno == EAGAIN) continue;
      ::close(fd);
      fd = connect_to(port, their_address);
      if (fd >= 0) ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    std::this_thread::sleep_for(pace);
  }
}

[[noreturn]] void open_many(std::uint16_t port) {
  auto all = open_connections(port, 5'000);
  for (;;) {
    std::this_thread::sleep_for(pace);
    renew_closed(all, port);
  }
}

[[noreturn]] void misbehave(std::uint16_t port, misbehaviour how) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Elsewhere they would run on a machine of their own: what they do to the server counts, not that
  // they take its processors.
  const sched_param none{};
  if (::sched_setscheduler(0, SCHED_IDLE, &none) != 0) std::abort();
  switch (how) {
    case misbehaviour::sends_slowly:
      send_slowly(port);
    case misbehaviour::reads_nothing:
      read_nothing(port);
    case misbehaviour::opens_many:
      break;
  }
  open_many(port);
}

}  // namespace

hostile_clients::hostile_clients(std::uint16_t port, misbehaviour how) : pid_(::fork()) {
  if (pid_ == 0) misbehave(port, how);
}

hostile_clients::~hostile_clients() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace nexus::bench
