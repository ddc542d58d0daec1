// The configuration files of one home directory, parsed but not yet understood.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/document.hpp"

namespace nexus::config {

struct file_set {
  std::optional<value> daemon;      ///< daemon.toml
  std::vector<value> sources;       ///< sources/*.toml in lexical order
  std::vector<value> destinations;  ///< destinations/*.toml in lexical order
  /// Every file under destinations/ could be read: a name that is not among them does not exist.
  bool destinations_complete = true;
};

/// Reads the files; the two directories may be absent. What cannot be read or parsed is left out
/// and reported: errors `missing_file`, `unreadable`, `syntax`.
file_set read_files(const std::string& home, std::vector<finding>& findings);

}  // namespace nexus::config
