// Running a path over a value. Private to this folder.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mapping/path_program.hpp"

namespace nexus::mapping {

/// A raw JSON value: a part of the text that was searched, or one that was made on the way.
class found_value {
 public:
  found_value() = default;  ///< nothing
  explicit found_value(std::string_view part) : raw_(part) {}
  static found_value make(std::string text) {
    found_value out;
    out.own_ = std::make_shared<const std::string>(std::move(text));
    out.raw_ = *out.own_;
    return out;
  }

  bool exists() const noexcept { return raw_.has_value(); }
  /// Valid as long as this object and the text that was searched.
  std::string_view raw() const { return *raw_; }
  /// A value that was found in `whole`, or on the way from it.
  found_value within(const found_value& whole) && {
    if (own_ == nullptr) own_ = whole.own_;
    return std::move(*this);
  }

 private:
  std::optional<std::string_view> raw_;
  std::shared_ptr<const std::string> own_;  ///< null: `raw_` is part of the text that was searched
};

/// What the path leads to in a validated raw value. Plain names and numbers allocate nothing. The
/// stack grows with the path and not with the value, and the time with their product.
found_value run_path(const path_program& path, std::string_view raw);

/// One segment's way through a value.
class path_walk {
 public:
  explicit path_walk(const std::vector<path_step>& steps) : steps_(steps) {}

  /// Goes on with step `depth` in `value`. True: the search is over, though `found` may be nothing.
  /// False: it may go on with another member of the same key.
  bool into(std::size_t depth, std::string_view value);
  /// The same with a member that step `depth` - 1 has chosen.
  bool take(std::size_t depth, std::string_view value);

  found_value found;
  /// The last step has seen an array or an object. If it has not, what follows a pipe is not asked;
  /// if it has, a modifier may make something of nothing: `tags.@keys` is then `[]`.
  bool reached = false;

 private:
  bool into_object(const path_step& step, std::size_t depth, std::string_view value);
  bool into_array(const path_step& step, std::size_t depth, std::string_view value);
  bool ask_elements(const path_step& step, std::string_view array);

  const std::vector<path_step>& steps_;
};

/// Whether a member's key is what the step names.
bool fits_key(const path_step& step, std::string_view key);

/// Whether an element of an array fulfils a query's condition.
bool fulfils(const query_condition& asked, std::string_view element);

/// What a modifier makes of a value, or of nothing.
found_value apply_modifier(modifier how, found_value from);

}  // namespace nexus::mapping
