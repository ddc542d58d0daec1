// Type names and the factories behind them: `type = "sqlite"` in a config file finds its code here.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/setting.hpp"
#include "destinations/destination.hpp"

namespace nexus::actors {
struct actor_factory;  // actors/actor_type.hpp: who needs no actors need not know CAF
}

namespace nexus::destinations {

/// How to make destinations of one type. Factories may run on any thread, and may block; they
/// report a missing or wrong setting as `bad_config`, and must not fail because the other side is
/// down (`deliver` says that, each time).
struct type_info {
  /// A plain class. Empty where there is `make_actor`.
  std::function<core::result<std::unique_ptr<destination>>(const settings&)> make;
  /// Empty where the type cannot be read back.
  std::function<core::result<std::unique_ptr<reader>>(const settings&)> make_reader;
  /// An actor instead of a plain class: actors::actor_type() fills this in.
  std::shared_ptr<const actors::actor_factory> make_actor;
  /// Keys of the `[destination]` table that belong to this type, beside those that every
  /// destination has (docs/configuration.md); any others are errors.
  core::setting_schema schema;
  /// Worker threads where the config does not say.
  std::size_t workers_default = 4;
  /// `deliver` takes the entries of a batch in their order, and after one that it did not take
  /// (other than for good, `permanent`) takes none of those that follow. Where it does not, and an
  /// order is asked for, a batch holds one entry of a key.
  bool in_order = false;
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
