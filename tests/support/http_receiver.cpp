#include "tests/support/http_receiver.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include <rapidjson/document.h>

namespace nexus::test {

http_receiver::http_receiver(const options& how) {
  ::setenv("no_proxy", "127.0.0.1", 1);  // the machine's proxy does not know this server
  std::vector<std::string> words{NEXUS_PYTHON, NEXUS_RECEIVER, "--port", std::to_string(how.port)};
  for (const auto& secret : how.secrets) words.insert(words.end(), {"--secret", secret});
  if (!how.tls.empty()) words.insert(words.end(), {"--tls", how.tls});
  if (how.wants_client_certificate) words.emplace_back("--client-cert");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (::pipe2(in.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe");
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  const int failed =
      ::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
  if (failed != 0) throw std::runtime_error("the receiver did not start");
  const std::string port = read_line();
  std::from_chars(port.data(), port.data() + port.size(), port_);
  url_ = (how.tls.empty() ? "http://127.0.0.1:" : "https://127.0.0.1:") + port;
}

http_receiver::~http_receiver() {
  ::close(to_);
  ::close(from_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string http_receiver::read_line() {
  std::size_t end = 0;
  while ((end = unread_.find('\n')) == std::string::npos) {
    std::array<char, 64 * 1024> bytes;
    const ssize_t n = ::read(from_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw std::runtime_error("the receiver has ended");
    unread_.append(bytes.data(), static_cast<std::size_t>(n));
  }
  std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

received http_receiver::take() {
  constexpr char command[] = "requests\n";
  if (::write(to_, command, sizeof command - 1) < 0) throw std::runtime_error("write");
  rapidjson::Document document;
  document.Parse(read_line().c_str());
  if (document.HasParseError()) throw std::runtime_error("the receiver does not answer in JSON");
  received taken;
  taken.together = document["together"].GetUint64();
  for (const auto& from : document["requests"].GetArray()) {
    received_request to;
    to.method = from["method"].GetString();
    to.path = from["path"].GetString();
    to.header_count = from["header_count"].GetUint64();
    to.body = from["body"].GetString();
    to.connection = from["connection"].GetInt64();
    for (const auto& each : from["signed"].GetArray()) to.signed_with.push_back(each.GetUint64());
    for (const auto& header : from["headers"].GetObject()) {
      to.headers[header.name.GetString()] = header.value.GetString();
    }
    taken.requests.push_back(std::move(to));
  }
  return taken;
}

}  // namespace nexus::test
