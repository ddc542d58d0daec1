// What may be done to a mapped field before it is stored (section 3.5 of the v0.1.2 behaviour).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::mapping {

/// Without the white space (as Unicode defines it) at both ends.
std::string_view trim(std::string_view text) noexcept;

/// Whether a transform of that name does something: `trim`, `coalesce:<default>`.
bool is_transform(std::string_view name);

/// A field's transforms, in the order in which they apply.
class transform_list {
 public:
  transform_list() = default;
  /// Known are `trim` and `coalesce:<default>`; names that are not known do nothing, as in the
  /// reference.
  explicit transform_list(const std::vector<std::string>& names);

  void apply(std::string& field) const;

 private:
  /// Nothing: trim; else the default that replaces an empty field.
  std::vector<std::optional<std::string>> steps_;
};

}  // namespace nexus::mapping
