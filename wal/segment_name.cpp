#include "wal/segment_name.hpp"

#include <charconv>

namespace nexus::wal {
namespace {

constexpr std::string_view prefix = "wal-";
constexpr std::string_view suffix = ".jsonl";

std::string name_of(std::string_view stem) {
  return std::string(prefix).append(stem).append(suffix);
}

}  // namespace

bool is_segment_name(std::string_view name) noexcept {
  return name.size() >= prefix.size() + suffix.size() && name.starts_with(prefix) &&
         name.ends_with(suffix);
}

bool is_leftover_name(std::string_view name) noexcept {
  return name.starts_with(prefix) && name.ends_with(".tmp");
}

std::string next_segment_name(std::string_view last, core::time_point now) {
  auto by_clock = name_of(std::to_string(now.time_since_epoch().count()));
  if (by_clock > last) return by_clock;
  auto stem = last.substr(prefix.size(), last.size() - prefix.size() - suffix.size());
  std::uint64_t number = 0;
  auto [end, failure] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  if (failure == std::errc{} && end == stem.data() + stem.size()) {
    auto by_count = name_of(std::to_string(number + 1));
    if (by_count > last) return by_count;
  }
  // A name that counting cannot follow, such as wal-9.jsonl or wal-x.jsonl. '0' sorts after the '.'
  // of the suffix.
  return name_of(std::string(stem) + "0");
}

}  // namespace nexus::wal
