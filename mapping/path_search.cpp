#include "mapping/path_search.hpp"

#include <cstdint>
#include <utility>

#include "core/json_text.hpp"
#include "mapping/member_key.hpp"
#include "mapping/wildcard.hpp"

namespace nexus::mapping {
namespace {

std::int64_t count_elements(std::string_view array) {
  core::json::members elements(array);
  std::int64_t count = 0;
  while (elements.next() != nullptr) ++count;
  return count;
}

std::optional<std::string_view> element_at(std::string_view array, std::int64_t index) {
  if (index < 0) index += count_elements(array);
  if (index < 0) return std::nullopt;
  core::json::members elements(array);
  for (std::int64_t i = 0; const auto* element = elements.next(); ++i)
    if (i == index) return element->value;
  return std::nullopt;
}

void append_element(std::string& list, std::string_view raw) {
  if (list.size() > 1) list += ',';
  list += raw;
}

}  // namespace

found_value run_path(const path_program& path, std::string_view raw) {
  found_value at(raw);
  for (const auto& segment : path.segments) {
    if (segment.change) {
      at = apply_modifier(*segment.change, std::move(at));
      continue;
    }
    if (!at.exists()) return {};
    path_walk walk(segment.steps);
    walk.into(0, at.raw());
    if (!walk.reached) return {};
    at = std::move(walk.found).within(at);
  }
  return at;
}

bool fits_key(const path_step& step, std::string_view key) {
  switch (step.kind) {
    case step_kind::wildcard:
      return fits_pattern(key, step.key);
    case step_kind::name:
    case step_kind::count:
    case step_kind::each:
      return step.key == key;
    case step_kind::query:
      break;
  }
  return false;
}

bool path_walk::take(std::size_t depth, std::string_view value) {
  if (depth < steps_.size()) return into(depth, value);
  found = found_value(value);
  return true;
}

bool path_walk::into(std::size_t depth, std::string_view value) {
  const auto kind = core::json::kind_of(value);
  if (kind != core::json::kind::object && kind != core::json::kind::array) return false;
  const auto& step = steps_[depth];
  const bool object = kind == core::json::kind::object;
  const bool asks_elements = step.kind == step_kind::each || step.kind == step_kind::query;
  if (depth + 1 == steps_.size() && !(object && asks_elements)) reached = true;
  return object ? into_object(step, depth, value) : into_array(step, depth, value);
}

// In an object # is a key like any other, and a query finds nothing.
bool path_walk::into_object(const path_step& step, std::size_t depth, std::string_view value) {
  if (step.kind == step_kind::query) return false;
  core::json::members members(value);
  while (const auto* member = members.next()) {
    const member_key key(*member);
    if (!fits_key(step, key.text().value_or(std::string_view()))) continue;
    if (step.kind == step_kind::each) {
      found = run_path(*step.rest, member->value);
      return reached = true;
    }
    if (take(depth + 1, member->value)) return true;
  }
  return false;
}

bool path_walk::into_array(const path_step& step, std::size_t depth, std::string_view value) {
  switch (step.kind) {
    case step_kind::name: {
      const auto element = step.index ? element_at(value, *step.index) : std::nullopt;
      return element && take(depth + 1, *element);
    }
    case step_kind::count:
      found = found_value::make(std::to_string(count_elements(value)));
      return true;
    case step_kind::each:
    case step_kind::query:
      return ask_elements(step, value);
    case step_kind::wildcard:
      break;
  }
  return false;
}

/// `#.rest` is a query that every element fulfils.
bool path_walk::ask_elements(const path_step& step, std::string_view array) {
  const bool all = step.all || step.kind == step_kind::each;
  std::string list = "[";
  core::json::members elements(array);
  while (const auto* element = elements.next()) {
    if (step.condition && !fulfils(*step.condition, element->value)) continue;
    auto value = step.rest ? run_path(*step.rest, element->value) : found_value(element->value);
    if (!all) {
      found = std::move(value);
      return true;
    }
    if (value.exists()) append_element(list, value.raw());
  }
  if (all) found = found_value::make(std::move(list) + "]");
  return all;
}

}  // namespace nexus::mapping
