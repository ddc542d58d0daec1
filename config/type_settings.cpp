#include "config/type_settings.hpp"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "config/reference.hpp"

namespace nexus::config {
namespace {

using core::setting;
using core::setting_kind;

bool is_table(const setting& key) {
  return key.kind == setting_kind::table || key.kind == setting_kind::secret_table;
}

bool has_kind(const value& found, const setting& key) {
  switch (key.kind) {
    case setting_kind::integer:
      return found.kind == value_kind::integer;
    case setting_kind::boolean:
      return found.kind == value_kind::boolean;
    case setting_kind::table:
    case setting_kind::secret_table:
      return found.kind == value_kind::table;
    case setting_kind::text:
    case setting_kind::path:
    case setting_kind::secret:
      break;
  }
  return found.kind == value_kind::string;
}

class type_reader {
 public:
  type_reader(fields& in, const std::string& type, const std::string& home)
      : in_(in), type_(type), home_(home) {}

  void read(const setting& key) {
    const value* found = in_.find(path_of(key));
    if (found != nullptr && !has_kind(*found, key)) return;  // has been reported
    const bool is_empty =
        found == nullptr || (is_table(key) ? found->children.empty() : found->text.empty());
    if (is_empty) return fill_in(key, found);
    is_table(key) ? read_members(key, *found) : read_value(key, *found);
  }

  core::setting_values take() { return std::move(values_); }

 private:
  static std::string path_of(const setting& key) { return "destination." + key.name; }

  /// An empty text says as little as an absent key.
  void fill_in(const setting& key, const value* found) {
    if (!key.fallback.empty()) {
      values_[key.name] = key.kind == setting_kind::path ? default_path(key) : key.fallback;
    } else if (key.required) {
      const std::string path = path_of(key);
      in_.fail("missing_key", path,
               path + (found == nullptr ? " is missing" : " is empty") +
                   ": a destination of type \"" + type_ + "\" needs it");
    }
  }

  std::string default_path(const setting& key) {
    const bool relative = !key.fallback.starts_with('/') && !key.fallback.starts_with('~');
    auto full = absolute_path(relative ? home_ + '/' + key.fallback : key.fallback);
    if (full.ok()) return *std::move(full);
    in_.fail("bad_path", path_of(key), path_of(key) + ": " + full.reason().text);
    return {};
  }

  void read_value(const setting& key, const value& found) {
    const std::string path = path_of(key);
    std::string& out = values_[key.name];
    out = found.text;
    if (key.kind == setting_kind::path) out = in_.absolute(path, "");
    if (key.kind == setting_kind::secret) out = in_.required_key(path, "empty_key").reveal();
    if (key.kind == setting_kind::text) check_choice(key, found);
    if (key.kind == setting_kind::integer) check_range(key, found);
  }

  void read_members(const setting& key, const value& table) {
    for (const value& member : table.children) {
      if (member.kind != value_kind::string) continue;
      const std::string name = key.name + '.' + member.key;
      std::string& out = values_[name];
      out = member.text;
      if (key.kind == setting_kind::secret_table) {
        out = in_.required_key(member, "destination." + name, "empty_key").reveal();
      }
    }
  }

  void check_choice(const setting& key, const value& found) {
    const auto& choices = key.choices;
    if (choices.empty()) return;
    if (std::find(choices.begin(), choices.end(), found.text) != choices.end()) return;
    std::string list;
    for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
    in_.fail("unknown_value", path_of(key),
             path_of(key) + " is \"" + found.text + "\"; it can be " + list);
  }

  void check_range(const setting& key, const value& found) {
    if (found.integer >= key.least && found.integer <= key.most) return;
    const std::string least = std::to_string(key.least);
    const bool bounded = key.most != std::numeric_limits<std::int64_t>::max();
    in_.fail("out_of_range", path_of(key),
             path_of(key) + " is " + found.text + "; " +
                 (bounded ? "it can be " + least + " to " + std::to_string(key.most)
                          : "the least is " + least));
  }

  fields& in_;
  const std::string& type_;
  const std::string& home_;
  core::setting_values values_;
};

/// The check may be somebody else's code: what it throws must not end the program.
std::vector<core::setting_problem> run_check(const core::setting_schema& schema,
                                             const core::setting_values& values) {
  try {
    return schema.check(values);
  } catch (const std::exception&) {
    // Its text may hold a value, and that may be a secret.
    return {{"", "the type's own check of its keys ended with an exception"}};
  }
}

}  // namespace

core::setting_values read_type_settings(fields& in, const std::string& type,
                                        const core::setting_schema& schema,
                                        const std::string& home) {
  type_reader reader(in, type, home);
  for (const setting& key : schema.keys) reader.read(key);
  core::setting_values values = reader.take();
  if (!schema.check || in.failed()) return values;
  for (const core::setting_problem& problem : run_check(schema, values)) {
    const std::string path = "destination" + (problem.name.empty() ? "" : '.' + problem.name);
    in.fail("invalid_setting", path, path + ": " + problem.message);
  }
  return values;
}

}  // namespace nexus::config
