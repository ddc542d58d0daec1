// Type names and the factories behind them: `type = "sqlite"` in a config file finds its code here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "destinations/destination.hpp"

namespace nexus::destinations {

/// How to make destinations of one type. Factories may run on any thread, and may block; they
/// report a missing or wrong setting as `bad_config`, and must not fail because the other side is
/// down (`deliver` says that, each time).
struct type_info {
  std::function<core::result<std::unique_ptr<destination>>(const settings&)> make;
  /// Empty where the type cannot be read back.
  std::function<core::result<std::unique_ptr<reader>>(const settings&)> make_reader;
  /// Keys of the TOML table that belong to this type, beside `name` and `type`; others are reported
  /// as unknown.
  std::vector<std::string> keys;
  /// Keys among them that hold paths (a leading ~ is expanded) and keys that hold secrets (env: and
  /// file: are resolved).
  std::vector<std::string> path_keys;
  std::vector<std::string> secret_keys;
  /// Worker threads where the config does not say.
  std::size_t workers_default = 1;
};

/// The types that a program knows.
class registry {
 public:
  /// Adds a type; false, and no change, if the name is taken.
  bool add(const std::string& type, type_info info);
  /// Null if there is none.
  const type_info* find(const std::string& type) const noexcept;
  std::vector<std::string> types() const;

 private:
  std::map<std::string, type_info> types_;
};

/// A registry with every built-in type.
registry builtin_types();

}  // namespace nexus::destinations
