#include "config/files.hpp"

#include <algorithm>
#include <filesystem>

namespace nexus::config {
namespace {

namespace fs = std::filesystem;

/// The paths of `*.toml` in a directory, sorted; none if there is no such directory. What is no
/// file counts as well: whoever has something else in its place has not taken it out.
std::vector<std::string> toml_files(const std::string& directory, std::vector<finding>& findings) {
  std::vector<std::string> paths;
  std::error_code failed;
  fs::directory_iterator at(directory, failed);
  for (; !failed && at != fs::directory_iterator(); at.increment(failed))
    if (at->path().extension() == ".toml") paths.push_back(at->path().string());
  if (failed && failed != std::errc::no_such_file_or_directory) {
    findings.push_back({severity::error,
                        "unreadable",
                        "cannot list the directory: " + failed.message(),
                        {directory}});
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Reading what is neither a file nor a directory, such as a pipe, might never end.
std::optional<value> read_file(const std::string& path, std::vector<finding>& findings) {
  std::error_code ignored;
  if (!fs::is_other(path, ignored)) return read_document(path, findings);
  findings.push_back(
      {severity::error, "unreadable", "cannot read " + path + ": it is no file", {path}});
  return std::nullopt;
}

void read_sources(const std::string& directory, file_set& files, std::vector<finding>& findings) {
  for (const std::string& path : toml_files(directory, findings)) {
    if (auto document = read_file(path, findings)) {
      files.sources.push_back(std::move(*document));
    }
  }
}

void read_destinations(const std::string& directory, file_set& files,
                       std::vector<finding>& findings) {
  const std::size_t before = findings.size();
  const auto paths = toml_files(directory, findings);
  files.destinations_listed = findings.size() == before;
  for (const std::string& path : paths) {
    destination_file file;
    file.path = path;
    file.document = read_file(path, file.findings);
    files.destinations.push_back(std::move(file));
  }
}

}  // namespace

file_set read_files(const std::string& home, std::vector<finding>& findings) {
  file_set files;
  const std::string daemon = home + "/daemon.toml";
  std::error_code failed;
  if (fs::exists(daemon, failed) || failed) {
    files.daemon = read_file(daemon, findings);
  } else {
    findings.push_back(
        {severity::error,
         "missing_file",
         "there is no daemon.toml; `nexus init` makes one, and --home or NEXUS_HOME names "
         "another home directory",
         {daemon}});
  }
  read_sources(home + "/sources", files, findings);
  read_destinations(home + "/destinations", files, findings);
  return files;
}

}  // namespace nexus::config
