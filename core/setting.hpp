// Settings that a part of the program declares, so that the config loader can check a file against
// them without knowing that part: the keys of a destination type, say.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace nexus::core {

/// What a key holds.
enum class setting_kind : std::uint8_t {
  text,
  path,    ///< made absolute, a leading ~ expanded; a relative fallback begins in the home
  secret,  ///< a reference (env:NAME, file:/path) or the secret itself; comes resolved
  integer,
  boolean,       ///< comes as "true" or "false"
  table,         ///< a table of texts: member `m` of key `k` comes as "k.m"
  secret_table,  ///< the same, its values as those of a secret
};

struct setting {
  std::string name;
  setting_kind kind = setting_kind::text;
  bool required = false;
  /// The value where the file has none; empty: the key is absent then.
  std::string fallback = {};
  /// text: the only values that are allowed; empty: any.
  std::vector<std::string> choices = {};
  /// integer: its range.
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
};

/// By name, as text. Absent: neither in the file nor with a fallback.
using setting_values = std::map<std::string, std::string>;

/// Something wrong with a value. `name` says which one ("headers.X-Team" for a member of a table);
/// empty: the table as a whole. `message` never holds a secret.
struct setting_problem {
  std::string name;
  std::string message;
};

/// Keys, and what must hold between their values.
struct setting_schema {
  std::vector<setting> keys;
  /// Called where every key for itself is right. Empty: nothing more to check. It may read files,
  /// but must not use the network.
  std::function<std::vector<setting_problem>(const setting_values&)> check = {};
};

/// Puts in the fallback of each key that is absent.
void fill_fallbacks(const setting_schema& schema, setting_values& values);

/// What is wrong with values that do not come from a config file, in the order of the keys: one
/// that is required and absent or empty, that is none of its choices, no integer or outside of its
/// range, no boolean; then names that no key has. Where nothing is, what the schema's own `check`
/// says.
std::vector<setting_problem> check_settings(const setting_schema& schema,
                                            const setting_values& values);

}  // namespace nexus::core
