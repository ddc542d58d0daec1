#include "cli/paused.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

namespace nexus::cli {
namespace {

std::string path_in(const std::string& home) {
  return home + "/paused";
}

core::result<std::string> contents(core::file_system& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) return file.reason();
  const auto size = (*file)->size();
  if (!size) return size.reason();
  std::string text(*size, '\0');
  const auto got = (*file)->read_at(0, text);
  if (!got) return got.reason();
  text.resize(*got);
  return text;
}

core::result<void> replace(core::file_system& files, const std::string& home,
                           const std::string& text) {
  const std::string path = path_in(home);
  const std::string fresh = path + ".new";
  // One of these may be left over from a crash.
  if (auto removed = files.remove(fresh);
      !removed && removed.reason().code != core::errc::not_found)
    return removed;
  auto file = files.create(fresh);
  if (!file) return file.reason();
  const std::array<std::string_view, 1> pieces{text};
  if (auto written = (*file)->write_at(0, pieces); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto renamed = files.rename(fresh, path); !renamed) return renamed;
  return files.sync_directory(home);
}

}  // namespace

core::result<name_set> read_paused(core::file_system& files, const std::string& home) {
  const auto text = contents(files, path_in(home));
  if (!text && text.reason().code == core::errc::not_found) return name_set();
  if (!text) return text.reason();
  name_set names;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (!line.empty()) names.emplace(line);
  }
  return names;
}

core::result<void> write_paused(core::file_system& files, const std::string& home,
                                const std::string& destination, bool paused) {
  if (destination.find('\n') != std::string::npos)
    return core::error{core::errc::invalid_argument,
                       "a destination with a line break in its name cannot be paused; rename it"};
  auto names = read_paused(files, home);
  if (!names) return names.reason();
  const bool changed = paused ? names->insert(destination).second : names->erase(destination) > 0;
  if (!changed) return {};
  std::string text;
  for (const auto& name : *names) text += name + '\n';
  return replace(files, home, text);
}

}  // namespace nexus::cli
