#include "mapping/transform.hpp"

#include <array>

namespace nexus::mapping {
namespace {

// U+0009-000D, 0020, 0085, 00A0, 1680, 2000-200A, 2028, 2029, 202F, 205F, 3000 in UTF-8.
constexpr std::array<std::string_view, 25> blanks{
    "\t",           "\n",           "\v",           "\f",           "\r",           " ",
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
    "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
    "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F",
    "\xE3\x80\x80"};

constexpr std::string_view trim_name = "trim";
constexpr std::string_view coalesce = "coalesce:";

std::size_t blank_at_start(std::string_view text) {
  for (const auto blank : blanks)
    if (text.starts_with(blank)) return blank.size();
  return 0;
}

std::size_t blank_at_end(std::string_view text) {
  for (const auto blank : blanks)
    if (text.ends_with(blank)) return blank.size();
  return 0;
}

}  // namespace

std::string_view trim(std::string_view text) noexcept {
  while (const auto size = blank_at_start(text)) text.remove_prefix(size);
  while (const auto size = blank_at_end(text)) text.remove_suffix(size);
  return text;
}

bool is_transform(std::string_view name) {
  return name == trim_name || name.starts_with(coalesce);
}

transform_list::transform_list(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (name == trim_name) steps_.emplace_back(std::nullopt);
    if (name.starts_with(coalesce)) steps_.emplace_back(name.substr(coalesce.size()));
  }
}

void transform_list::apply(std::string& field) const {
  for (const auto& step : steps_) {
    if (!step) {
      field = std::string(trim(field));
    } else if (field.empty()) {
      field = *step;
    }
  }
}

}  // namespace nexus::mapping
