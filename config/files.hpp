// The configuration files of one home directory, parsed but not yet understood.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"

namespace nexus::config {

/// A file of destinations/. What is wrong in it is kept apart, for it must not stop the others.
struct destination_file {
  std::string path;
  std::optional<value> document;  ///< nothing: it cannot be read or parsed
  std::vector<finding> findings;  ///< why not
};

struct file_set {
  std::optional<value> daemon;                 ///< daemon.toml
  std::vector<value> sources;                  ///< sources/*.toml in lexical order
  std::vector<destination_file> destinations;  ///< destinations/*.toml in lexical order
  /// There is no destinations/, or it could be listed.
  bool destinations_listed = true;
};

/// Reads the files; the two directories may be absent. What cannot be read or parsed is left out
/// and reported: errors `missing_file`, `unreadable`, `syntax`.
file_set read_files(const std::string& home, std::vector<finding>& findings);

}  // namespace nexus::config
