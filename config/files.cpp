#include "config/files.hpp"

#include <algorithm>
#include <filesystem>

namespace nexus::config {
namespace {

namespace fs = std::filesystem;

/// The paths of `*.toml` in a directory, sorted; none if there is no such directory.
std::vector<std::string> toml_files(const std::string& directory, std::vector<finding>& findings) {
  std::vector<std::string> paths;
  std::error_code failed;
  fs::directory_iterator at(directory, failed);
  for (; !failed && at != fs::directory_iterator(); at.increment(failed)) {
    std::error_code ignored;  // a dangling link is no directory: reading it says what is wrong
    if (at->path().extension() == ".toml" && !at->is_directory(ignored)) {
      paths.push_back(at->path().string());
    }
  }
  if (failed && failed != std::errc::no_such_file_or_directory) {
    findings.push_back({severity::error,
                        "unreadable",
                        "cannot list the directory: " + failed.message(),
                        {directory}});
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// False if one of the files could not be read.
bool read_directory(const std::string& directory, std::vector<value>& documents,
                    std::vector<finding>& findings) {
  const std::size_t before = findings.size();
  for (const std::string& path : toml_files(directory, findings)) {
    if (auto document = read_document(path, findings)) documents.push_back(std::move(*document));
  }
  return findings.size() == before;
}

}  // namespace

file_set read_files(const std::string& home, std::vector<finding>& findings) {
  file_set files;
  const std::string daemon = home + "/daemon.toml";
  std::error_code failed;
  if (fs::exists(daemon, failed) || failed) {
    files.daemon = read_document(daemon, findings);
  } else {
    findings.push_back(
        {severity::error,
         "missing_file",
         "there is no daemon.toml; `nexus init` makes one, and --home or NEXUS_HOME names "
         "another home directory",
         {daemon}});
  }
  read_directory(home + "/sources", files.sources, findings);
  files.destinations_complete =
      read_directory(home + "/destinations", files.destinations, findings);
  return files;
}

}  // namespace nexus::config
