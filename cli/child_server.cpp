#include "cli/child_server.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nexus::cli {
namespace {

constexpr std::string_view announcement = "listening on ";

std::string end_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  constexpr std::size_t bytes_max = 2000;
  return text.size() > bytes_max ? text.substr(text.size() - bytes_max) : text;
}

/// Becomes the program. Only calls that are allowed between fork and exec of a process with
/// threads.
[[noreturn]] void become(char* const* arguments, int output, int log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

child_server::child_server(pid_t pid, int output) : pid_(pid), output_(output) {}

child_server::~child_server() {
  if (pid_ > 0) {
    signal(SIGKILL);
    wait();
  }
  ::close(output_);
}

core::result<std::unique_ptr<child_server>> child_server::start(const options& how) {
  std::vector<std::string> words{how.program, "start", "--home", how.home, "--port", "0"};
  words.insert(words.end(), how.arguments.begin(), how.arguments.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> pipe_ends{};
  if (::pipe2(pipe_ends.data(), O_CLOEXEC) != 0) return core::os_error(errno, "pipe");
  const int log = ::open(how.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = log < 0 ? -1 : ::fork();
  if (pid == 0) become(arguments.data(), pipe_ends[1], log);
  const int number = errno;
  ::close(pipe_ends[1]);
  if (log >= 0) ::close(log);
  if (pid < 0) {
    ::close(pipe_ends[0]);
    return core::os_error(number, log < 0 ? how.log_file : how.program);
  }
  std::unique_ptr<child_server> made(new child_server(pid, pipe_ends[0]));
  if (auto ready = made->wait_until_listening(how); !ready) return ready.reason();
  return made;
}

core::result<void> child_server::wait_until_listening(const options& how) {
  const auto deadline = std::chrono::steady_clock::now() + how.timeout;
  std::string line;
  while (line.find('\n') == std::string::npos) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waiting{output_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, std::max(0, static_cast<int>(left.count())));
    if (ready < 0 && errno == EINTR) continue;
    std::array<char, 256> bytes;
    const ssize_t n = ready > 0 ? ::read(output_, bytes.data(), bytes.size()) : 0;
    if (n <= 0) {
      return core::error{core::errc::unreachable,
                         std::string(ready > 0 ? "the server ended" : "the server is not ready") +
                             " after its start; its log ends with:\n" + end_of(how.log_file)};
    }
    line.append(bytes.data(), static_cast<std::size_t>(n));
  }
  line.resize(line.find('\n'));
  const auto colon = line.rfind(':');
  if (!line.starts_with(announcement) || colon == std::string::npos) {
    return core::error{core::errc::unsupported, "the server's first words are '" + line + "'"};
  }
  host_ = line.substr(announcement.size(), colon - announcement.size());
  if (host_.starts_with('[')) host_ = host_.substr(1, host_.size() - 2);
  std::from_chars(line.data() + colon + 1, line.data() + line.size(), port_);
  return {};
}

void child_server::signal(int number) {
  if (pid_ > 0) ::kill(pid_, number);
}

int child_server::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace nexus::cli
