// The paths of `[source.mapping]`: the part of gjson's syntax that this version knows.
//
//     message.content     member `content` of member `message`
//     messages.0.content  member `content` of the first element
//     a\.b                the member whose key is `a.b`
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace nexus::mapping {

/// A compiled path. Immutable. Any thread.
class json_path {
 public:
  /// Error `invalid_argument` for what this version does not know (`#`, wildcards, queries, pipes,
  /// modifiers, multipaths): it says what and where, and what to write instead.
  static core::result<json_path> parse(std::string_view text);

  /// The raw value that the path leads to in the member (`key`, or the element number `index` where
  /// there is no key) with the raw value `value`; nothing if it leads elsewhere. Keys are compared
  /// unescaped and with their case; of several members with one key the first that leads to a value
  /// wins.
  std::optional<std::string_view> find_from(std::optional<std::string_view> key,
                                            std::uint64_t index, std::string_view value) const;

 private:
  struct step {
    std::string key;
    std::optional<std::uint64_t> index;  ///< where `key` is a number
  };

  bool fits(std::size_t depth, std::optional<std::string_view> key, std::uint64_t index) const;
  std::optional<std::string_view> find_in(std::size_t depth, std::string_view value) const;

  std::vector<step> steps_;
};

}  // namespace nexus::mapping
