#include "cli/home.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "config/loader.hpp"

namespace nexus::cli {
namespace {

std::string note_path(const std::string& home) {
  return home + "/nexus.run";
}

core::result<std::string> absolute(const std::string& path) {
  std::error_code trouble;
  const auto whole = std::filesystem::absolute(path, trouble);
  if (trouble) return core::os_error(trouble.value(), path);
  return whole.lexically_normal().string();
}

}  // namespace

core::result<std::string> home_directory(const std::string& flag) {
  if (!flag.empty()) return absolute(flag);
  return config::default_home();
}

core::result<void> write_running(const std::string& home, const running_server& server) {
  const std::string path = note_path(home);
  const std::string fresh = path + ".new";
  const std::string text =
      fmt::format("{} {} {}{}\n", server.pid, server.host, server.port, server.tls ? " tls" : "");
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return core::os_error(errno, fresh);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int write_errno = errno;
  ::close(fd);
  if (!written) return core::os_error(write_errno, fresh);
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return core::os_error(errno, path);
  return {};
}

void remove_running(const std::string& home) {
  ::unlink(note_path(home).c_str());
}

std::optional<running_server> find_running(const std::string& home) {
  std::ifstream note(note_path(home));
  running_server server;
  if (!(note >> server.pid >> server.host >> server.port) || server.pid <= 0) return std::nullopt;
  if (!is_alive(server.pid)) return std::nullopt;
  std::string word;
  server.tls = note >> word && word == "tls";
  return server;
}

bool is_alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  // "PID (NAME) STATE ...", where NAME may hold anything.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return false;
  const char state = text[name_end + 2];
  return state != 'Z' && state != 'X';
}

std::string client_host(const std::string& bind) {
  if (bind.empty() || bind == "0.0.0.0") return "127.0.0.1";
  return bind == "::" ? "::1" : bind;
}

std::string address_text(const std::string& host, std::uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

}  // namespace nexus::cli
