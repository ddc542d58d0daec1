#include <utility>
#include <vector>

#include "core/json_text.hpp"
#include "mapping/path_search.hpp"

namespace nexus::mapping {
namespace {

using core::json::kind;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view contents_of(std::string_view array) {
  return without_blanks(array.substr(1, array.size() - 2));
}

void append_separated(std::string& list, std::string_view text) {
  if (text.empty()) return;
  if (list.size() > 1) list += ',';
  list += text;
}

std::string reverse_members(std::string_view raw, bool object) {
  std::vector<core::json::member> all;
  core::json::members members(raw);
  while (const auto* member = members.next()) all.push_back(*member);
  std::string out = object ? "{" : "[";
  for (auto member = all.rbegin(); member != all.rend(); ++member) {
    if (out.size() > 1) out += ',';
    if (object) (out += member->key) += ':';
    out += member->value;
  }
  return out += object ? '}' : ']';
}

std::string list_members(std::string_view raw, bool keys) {
  std::string out = "[";
  core::json::members members(raw);
  while (const auto* member = members.next()) {
    const auto key = member->key.empty() ? "null" : member->key;
    append_separated(out, keys ? key : member->value);
  }
  return out += ']';
}

std::string flatten_once(std::string_view array) {
  std::string out = "[";
  core::json::members elements(array);
  while (const auto* element = elements.next()) {
    const bool nested = core::json::kind_of(element->value) == kind::array;
    append_separated(out, nested ? contents_of(element->value) : element->value);
  }
  return out += ']';
}

// One pass over the text, as the brackets of the arrays in it are simply left out: stepping from
// member to member would read what is nested once for each level.
std::string flatten_all(std::string_view array) {
  std::string out = "[";
  while (!array.empty()) {
    const char c = array[0];
    std::size_t length = 1;
    if (c != '[' && c != ']' && c != ',' && !is_blank(c)) {
      length = *core::json::value_length(array);
      append_separated(out, array.substr(0, length));
    }
    array.remove_prefix(length);
  }
  return out += ']';
}

std::string list_of_one(std::string_view raw) {
  return "[" + std::string(raw) + "]";
}

}  // namespace

found_value apply_modifier(modifier how, found_value from) {
  const bool lists = how == modifier::keys || how == modifier::values;
  if (!from.exists()) return lists ? found_value::make("[]") : found_value();
  const auto raw = from.raw();
  const bool object = core::json::kind_of(raw) == kind::object;
  const bool array = core::json::kind_of(raw) == kind::array;
  switch (how) {
    case modifier::reverse:
      return object || array ? found_value::make(reverse_members(raw, object)) : from;
    case modifier::keys:
      return found_value::make(object || array ? list_members(raw, true) : "[null]");
    case modifier::values:
      if (array) return from;
      return found_value::make(object ? list_members(raw, false) : list_of_one(raw));
    case modifier::flatten:
      return array ? found_value::make(flatten_once(raw)) : from;
    case modifier::flatten_deep:
      return array ? found_value::make(flatten_all(raw)) : from;
    case modifier::same:
      break;
  }
  return from;
}

}  // namespace nexus::mapping
