#include "config/loader.hpp"

#include <cstdlib>

#include "config/build.hpp"
#include "config/files.hpp"
#include "config/reference.hpp"

namespace nexus::config {

core::result<std::string> default_home() {
  for (const char* name : {"NEXUS_HOME", "BUBBLEFISH_HOME"}) {
    const char* home = std::getenv(name);
    if (home != nullptr && *home != '\0') return absolute_path(home);
  }
  return absolute_path("~/.nexus");
}

examination examine(const std::string& home, const type_table& types) {
  examination out;
  const auto full = absolute_path(home);
  if (!full.ok()) {
    out.findings.push_back({severity::error, "bad_path", full.reason().text, {home}});
    return out;
  }
  const file_set files = read_files(*full, out.findings);
  out.settings = build(files, *full, types, out.findings);
  return out;
}

core::result<loaded> load(const std::string& home, const type_table& types) {
  examination found = examine(home, types);
  if (found.settings) return loaded{std::move(*found.settings), std::move(found.findings)};
  std::string text;
  for (const finding& problem : found.findings) {
    if (!text.empty()) text += '\n';
    text += to_string(problem);
  }
  return core::error{core::errc::bad_config, std::move(text)};
}

}  // namespace nexus::config
