// What the loader must know of the destination types, whose code it does not know.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace nexus::config {

/// The keys of a `[destination]` table that belong to one type.
struct type_keys {
  std::vector<std::string> keys;
  std::vector<std::string> path_keys;    ///< those among them that hold paths
  std::vector<std::string> secret_keys;  ///< those among them that hold references to secrets
};

/// Every type that a config file may name, by that name.
using type_table = std::map<std::string, type_keys, std::less<>>;

}  // namespace nexus::config
