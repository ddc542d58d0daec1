#include "mapping/json_path.hpp"

#include <algorithm>
#include <charconv>

#include "core/json_text.hpp"
#include "mapping/member_key.hpp"

namespace nexus::mapping {
namespace {

std::optional<std::uint64_t> parse_index(std::string_view text) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ec != std::errc() || done.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// `*`, `?` and `|` mean something anywhere, the others at the start of a component only.
bool is_unsupported(char c, bool at_start) {
  if (c == '*' || c == '?' || c == '|') return true;
  return at_start && (c == '#' || c == '@' || c == '[' || c == '{' || c == '!');
}

core::error unsupported(std::string_view path, std::size_t offset) {
  const std::string mark(1, path[offset]);
  return {core::errc::invalid_argument,
          "path \"" + std::string(path) + "\", offset " + std::to_string(offset) + ": '" + mark +
              "' is not supported here; use names and element numbers joined by dots, and \\" +
              mark + " for a key that contains it"};
}

}  // namespace

core::result<json_path> json_path::parse(std::string_view text) {
  json_path path;
  std::string component;
  bool at_start = true;
  const auto finish = [&] {
    const auto index = parse_index(component);
    path.steps_.push_back({std::move(component), index});
    component.clear();
    at_start = true;
  };
  if (text.starts_with(".."))
    return core::error{core::errc::invalid_argument,
                       "path \"" + std::string(text) + "\": JSON lines (..) are not supported"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '.') {
      finish();
      continue;
    }
    if (is_unsupported(text[i], at_start)) return unsupported(text, i);
    at_start = false;
    if (text[i] == '\\' && ++i == text.size()) break;
    component += text[i];
  }
  finish();
  return path;
}

std::optional<std::string_view> json_path::find_from(std::optional<std::string_view> key,
                                                     std::uint64_t index,
                                                     std::string_view value) const {
  if (!fits(0, key, index)) return std::nullopt;
  return find_in(1, value);
}

bool json_path::fits(std::size_t depth, std::optional<std::string_view> key,
                     std::uint64_t index) const {
  return key ? steps_[depth].key == *key : steps_[depth].index == index;
}

// Depth is bounded by the number of steps.
std::optional<std::string_view> json_path::find_in(std::size_t depth,
                                                   std::string_view value) const {
  if (depth == steps_.size()) return value;
  const auto kind = core::json::kind_of(value);
  if (kind != core::json::kind::object && kind != core::json::kind::array) return std::nullopt;
  core::json::members members(value);
  std::uint64_t index = 0;
  for (auto* member = members.next(); member != nullptr; member = members.next(), ++index) {
    const member_key key(*member);
    if (!fits(depth, key.text(), index)) continue;
    if (auto found = find_in(depth + 1, member->value)) return found;
  }
  return std::nullopt;
}

}  // namespace nexus::mapping
