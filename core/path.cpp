#include "core/path.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace nexus::core {
namespace {

result<std::string> user_directory() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return std::string(home);
  if (const passwd* user = ::getpwuid(::getuid()); user != nullptr && *user->pw_dir != '\0') {
    return std::string(user->pw_dir);
  }
  return error{errc::bad_config,
               "the user has no home directory that ~ could stand for; set HOME or use an "
               "absolute path"};
}

}  // namespace

result<std::string> absolute_path(const std::string& path) {
  std::string expanded = path;
  if (path == "~" || path.starts_with("~/")) {
    auto home = user_directory();
    if (!home.ok()) return home;
    expanded = *home + path.substr(1);
  } else if (path.starts_with('~')) {
    return error{errc::bad_config,
                 "~ before a user's name is not supported; write the directory out"};
  }
  std::error_code failed;
  const auto absolute = std::filesystem::absolute(expanded, failed);
  if (failed) return os_error(failed.value(), "cannot make an absolute path of " + expanded);
  std::string normal = absolute.lexically_normal().string();
  if (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

}  // namespace nexus::core
