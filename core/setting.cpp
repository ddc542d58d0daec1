#include "core/setting.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace nexus::core {
namespace {

bool is_table(const setting& key) {
  return key.kind == setting_kind::table || key.kind == setting_kind::secret_table;
}

/// Whether `name` is a member of the table `key`.
bool is_member(const setting& key, std::string_view name) {
  return is_table(key) && name.size() > key.name.size() + 1 && name.starts_with(key.name) &&
         name[key.name.size()] == '.';
}

std::optional<std::string> integer_fault(const setting& key, const std::string& text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, failure] = std::from_chars(text.data(), end, value);
  if (failure == std::errc::invalid_argument || at != end) return "is no integer";
  if (failure != std::errc{} || value < key.least || value > key.most) {
    return "must be from " + std::to_string(key.least) + " to " + std::to_string(key.most);
  }
  return std::nullopt;
}

std::optional<std::string> choice_fault(const setting& key, const std::string& text) {
  if (key.choices.empty() || std::ranges::find(key.choices, text) != key.choices.end()) {
    return std::nullopt;
  }
  std::string fault = "must be one of";
  for (const auto& choice : key.choices) {
    fault += (&choice == &key.choices.front() ? " \"" : ", \"") + choice + '"';
  }
  return fault;
}

/// What is wrong with a value that is there.
std::optional<std::string> value_fault(const setting& key, const std::string& text) {
  if (key.required && text.empty()) return "is empty";
  switch (key.kind) {
    case setting_kind::text:
      return choice_fault(key, text);
    case setting_kind::integer:
      return integer_fault(key, text);
    case setting_kind::boolean:
      if (text != "true" && text != "false") return "must be true or false";
      return std::nullopt;
    case setting_kind::table:
    case setting_kind::secret_table:
      return "is a table";
    case setting_kind::path:
    case setting_kind::secret:
      return std::nullopt;
  }
  return std::nullopt;
}

void check_key(const setting& key, const setting_values& values,
               std::vector<setting_problem>& problems) {
  const auto found = values.find(key.name);
  if (found != values.end()) {
    if (auto fault = value_fault(key, found->second)) {
      problems.push_back({key.name, key.name + " " + *fault});
    }
    return;
  }
  const bool has_members =
      std::ranges::any_of(values, [&](const auto& value) { return is_member(key, value.first); });
  if (key.required && !has_members) problems.push_back({key.name, key.name + " is missing"});
}

}  // namespace

void fill_fallbacks(const setting_schema& schema, setting_values& values) {
  for (const setting& key : schema.keys) {
    if (!key.fallback.empty()) values.try_emplace(key.name, key.fallback);
  }
}

std::vector<setting_problem> check_settings(const setting_schema& schema,
                                            const setting_values& values) {
  std::vector<setting_problem> problems;
  for (const setting& key : schema.keys) check_key(key, values, problems);
  for (const auto& value : values) {
    const auto& name = value.first;  // clang 14 captures no structured binding
    const bool known = std::ranges::any_of(
        schema.keys, [&](const setting& key) { return key.name == name || is_member(key, name); });
    if (!known) problems.push_back({name, "there is no key " + name});
  }
  if (problems.empty() && schema.check) return schema.check(values);
  return problems;
}

}  // namespace nexus::core
