// What a mapping path says, parsed. Private to this folder.
//
// A program is a chain of segments: each works on what the one before it found. A new segment
// begins after `|`, and after a dot where a modifier follows. Within a segment the steps lead from
// a value to one of its members.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace nexus::mapping {

struct path_program;

enum class comparison : std::uint8_t {
  exists,  ///< no operator
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  like,
  not_like,
};

/// `~word` on the right side of a comparison: what the left side is taken for first.
enum class truth_test : std::uint8_t { none, exists, null, yes, no };

/// What stands in the brackets of a query.
struct query_condition {
  std::shared_ptr<const path_program> left;
  bool on_element =
      false;  ///< nothing stands left: values that are no containers compare themselves
  comparison how = comparison::exists;
  truth_test test = truth_test::none;
  std::string right;
  double right_number = 0;  ///< `right` for comparisons with numbers; 0 if it is none
};

enum class step_kind : std::uint8_t {
  name,      ///< `key` or `index`
  wildcard,  ///< any key that fits `key` as a pattern
  count,     ///< `#` at the end
  each,      ///< `#.rest`
  query,     ///< `#(condition)`, or with `all` `#(condition)#`
};

struct path_step {
  step_kind kind = step_kind::name;
  std::string key;
  std::optional<std::int64_t> index;         ///< negative: from the end, -1 being the last
  std::shared_ptr<const path_program> rest;  ///< each, query: for every element; null: itself
  std::shared_ptr<const query_condition> condition;
  bool all = false;
};

enum class modifier : std::uint8_t { reverse, keys, values, flatten, flatten_deep, same };

/// Either a modifier, or steps; there is at least one step then.
struct path_segment {
  std::optional<modifier> change;
  std::vector<path_step> steps;
};

struct path_program {
  std::vector<path_segment> segments;  ///< at least one
};

/// Error `invalid_argument`: what is wrong, at which byte of the path, and what to write instead.
core::result<path_program> parse_path(std::string_view text);

}  // namespace nexus::mapping
