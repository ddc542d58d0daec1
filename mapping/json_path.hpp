// The paths of `[source.mapping]`: gjson's syntax, as v0.1.2 has it, and negative numbers.
// docs/mapping.md is the page for people.
//
//     message.content                    member `content` of member `message`
//     messages.0.content                 of the first element; -1 is the last one
//     a\.b                               the member whose key is `a.b`
//     messages.#.role                    of every element, as an array
//     messages.#(role=="user").content   of the first element that fulfils the condition
//     tags.@reverse|0                    what a modifier makes of it, and the first of that
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace nexus::mapping {

struct path_program;

/// A compiled path. Immutable; copies share it. Any thread.
class json_path {
 public:
  /// Error `invalid_argument` for what is no path, or is one in gjson but not here (several paths
  /// in one, JSON lines, literals, some modifiers): it says what, at which byte, and what to write
  /// instead.
  static core::result<json_path> parse(std::string_view text);

  /// The path begins with a plain name or number and has no pipe or modifier after it: find_from
  /// knows it, so that several such paths are found on one way over a value.
  bool is_plain() const noexcept { return plain_; }

  /// The raw value that a plain path leads to in the member (`key`, or the element number `index`
  /// where there is no key) with the raw value `value`; nothing if it leads elsewhere. Keys are
  /// compared unescaped and with their case; of several members with one key the first that leads
  /// to a value wins. Allocates nothing.
  std::optional<std::string_view> find_from(std::optional<std::string_view> key,
                                            std::uint64_t index, std::string_view value) const;

  /// The text (see value_text) of what any path leads to in a validated raw value. The stack grows
  /// with the path and not with the value.
  std::optional<std::string> text_in(std::string_view raw) const;

 private:
  explicit json_path(std::shared_ptr<const path_program> program);

  std::shared_ptr<const path_program> program_;
  bool plain_;
};

}  // namespace nexus::mapping
