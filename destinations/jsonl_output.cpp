#include "destinations/jsonl_output.hpp"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

namespace nexus::destinations {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// There is one standard output in a process.
struct output_state {
  std::timed_mutex turn;
  bool in_middle_of_line = false;
};

output_state& shared_state() {
  static output_state state;
  return state;
}

core::error refused(int number) {
  return {core::errc::unreachable,
          core::os_error(number, "cannot write to the standard output").text};
}

/// Waits until a piece of PIPE_BUF bytes can be written without blocking.
core::result<void> wait_writable(steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    const int ready =
        ::poll(&output, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return refused(errno);
    if (ready == 0) return refused(ETIMEDOUT);
    if ((output.revents & POLLNVAL) != 0) return refused(EBADF);
    return {};
  }
}

/// Writes from the front of `text` and takes off what was written.
core::result<void> write_all(std::string_view& text, steady_clock::time_point deadline) {
  while (!text.empty()) {
    if (auto ready = wait_writable(deadline); !ready) return ready;
    const auto n =
        ::write(STDOUT_FILENO, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR && errno != EAGAIN) {
      return refused(errno);
    }
  }
  return {};
}

}  // namespace

output_progress write_to_output(std::span<const std::string_view> lines,
                                std::chrono::milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  output_state& state = shared_state();
  const std::unique_lock turn(state.turn, deadline);
  if (!turn) return {0, refused(ETIMEDOUT)};
  output_progress progress;
  if (state.in_middle_of_line) {
    std::string_view newline = "\n";
    progress.state = write_all(newline, deadline);
    if (!progress.state) return progress;
    state.in_middle_of_line = false;
  }
  for (const std::string_view line : lines) {
    std::string_view rest = line;
    progress.state = write_all(rest, deadline);
    if (!progress.state) {
      state.in_middle_of_line = rest.size() < line.size();
      return progress;
    }
    ++progress.lines;
  }
  return progress;
}

core::result<void> check_output() {
  pollfd output{STDOUT_FILENO, 0, 0};
  if (::poll(&output, 1, 0) < 0) return refused(errno);
  if ((output.revents & POLLNVAL) != 0) return refused(EBADF);
  if ((output.revents & POLLERR) != 0) return refused(EPIPE);
  return {};
}

}  // namespace nexus::destinations
