#include "core/file.hpp"

#include <filesystem>

namespace nexus::core {

result<std::unique_ptr<file>> create_with_directory(file_system& files, const std::string& path) {
  auto created = files.create(path);
  if (created || created.reason().code != errc::not_found) return created;
  const auto directory = std::filesystem::path(path).parent_path().string();
  if (auto made = files.make_directory(directory); !made) return made.reason();
  return files.create(path);
}

}  // namespace nexus::core
