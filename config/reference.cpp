#include "config/reference.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace nexus::config {
namespace {

constexpr std::string_view env_prefix = "env:";
constexpr std::string_view file_prefix = "file:";

std::string trimmed(const std::string& text) {
  constexpr const char* white = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

core::result<std::string> user_directory() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return std::string(home);
  if (const passwd* user = ::getpwuid(::getuid()); user != nullptr && *user->pw_dir != '\0') {
    return std::string(user->pw_dir);
  }
  return core::error{core::errc::bad_config,
                     "the user has no home directory that ~ could stand for; set HOME or use an "
                     "absolute path"};
}

}  // namespace

core::result<std::string> read_text_file(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::string bytes;
  for (char part[4096]; in.good();) {
    in.read(part, sizeof part);
    bytes.append(part, static_cast<std::size_t>(in.gcount()));
  }
  // A directory opens without complaint; only reading it fails.
  if (!in.is_open() || in.bad()) {
    return core::os_error(errno != 0 ? errno : EIO, "cannot read " + path);
  }
  return bytes;
}

bool is_literal(std::string_view reference) noexcept {
  return !reference.starts_with(env_prefix) && !reference.starts_with(file_prefix);
}

core::result<std::string> read_reference(const std::string& reference) {
  if (reference.starts_with(env_prefix)) {
    const char* variable = std::getenv(reference.c_str() + env_prefix.size());
    return std::string(variable != nullptr ? variable : "");
  }
  if (reference.starts_with(file_prefix)) {
    return read_text_file(reference.substr(file_prefix.size()));
  }
  return reference;
}

core::result<secret> resolve_reference(const std::string& reference) {
  auto bytes = read_reference(reference);
  if (!bytes.ok()) return std::move(bytes).reason();
  return secret(reference.starts_with(file_prefix) ? trimmed(*bytes) : std::move(*bytes));
}

core::result<std::string> absolute_path(const std::string& path) {
  std::string expanded = path;
  if (path == "~" || path.starts_with("~/")) {
    auto home = user_directory();
    if (!home.ok()) return home;
    expanded = *home + path.substr(1);
  } else if (path.starts_with('~')) {
    return core::error{core::errc::bad_config,
                       "~ before a user's name is not supported; write the directory out"};
  }
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(expanded, failed);
  if (failed) return core::os_error(failed.value(), "cannot make an absolute path of " + expanded);
  std::string normal = absolute.lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace nexus::config
