#include "destinations/jsonl_rotation.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

namespace nexus::destinations {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view stamp_pattern = "00000000T000000.000Z";

struct name_parts {
  explicit name_parts(const std::filesystem::path& path)
      : before(path.stem().string() + '-'), after(path.extension().string()) {}
  std::string before, after;
};

std::string stamp(core::time_point when) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(when);
  const auto part = std::chrono::floor<milliseconds>(when - whole).count();
  std::string text = core::format_timestamp(whole);
  std::erase_if(text, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  const std::string digits = std::to_string(1000 + part);
  return text + '.' + digits.substr(1) + 'Z';
}

/// The time in a stamp; nothing if it is none.
std::optional<core::time_point> time_of(std::string_view text) {
  if (text.size() != stamp_pattern.size()) return std::nullopt;
  std::string rfc(text);
  for (const std::size_t at : {4U, 7U}) rfc.insert(at, 1, '-');
  for (const std::size_t at : {13U, 16U}) rfc.insert(at, 1, ':');
  const auto when = core::parse_timestamp(rfc);
  return when && stamp(*when) == text ? when : std::nullopt;
}

std::optional<core::time_point> time_in(const name_parts& parts, std::string_view name) {
  if (!name.starts_with(parts.before) || !name.ends_with(parts.after)) return std::nullopt;
  name.remove_prefix(parts.before.size());
  if (name.size() < parts.after.size()) return std::nullopt;
  name.remove_suffix(parts.after.size());
  return time_of(name);
}

}  // namespace

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

core::result<std::vector<std::string>> rotated_files(core::file_system& files,
                                                     const std::string& path) {
  const name_parts parts(path);
  const std::string directory = directory_of(path);
  auto names = files.list(directory);
  if (!names) {
    if (names.reason().code == core::errc::not_found) return std::vector<std::string>();
    return std::move(names).reason();
  }
  std::erase_if(*names, [&](const std::string& name) { return !time_in(parts, name); });
  std::ranges::sort(*names);
  for (auto& name : *names) name.insert(0, directory + '/');
  return names;
}

std::string next_rotated(const std::string& path, const std::vector<std::string>& rotated,
                         core::time_point now) {
  const name_parts parts(path);
  if (!rotated.empty()) {
    const std::string last = std::filesystem::path(rotated.back()).filename().string();
    now = std::max(now, *time_in(parts, last) + milliseconds(1));
  }
  return directory_of(path) + '/' + parts.before + stamp(now) + parts.after;
}

}  // namespace nexus::destinations
