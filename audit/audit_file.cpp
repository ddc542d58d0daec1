#include "audit/audit_file.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace nexus::audit {
namespace {

constexpr std::size_t time_size = 15;

/// The path without ".jsonl", or whatever else it ends with, and that.
std::pair<std::string, std::string> stem_and_ending(const std::string& path) {
  const auto dot = path.rfind('.');
  const auto slash = path.rfind('/');
  if (dot == path.npos || (slash != path.npos && dot <= slash + 1)) return {path, ""};
  return {path.substr(0, dot), path.substr(dot)};
}

/// "20260407-010203", "20260407-010203-1".
bool is_time(std::string_view text) {
  constexpr std::string_view shape = "dddddddd-dddddd";
  static_assert(shape.size() == time_size);
  if (text.size() < shape.size()) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 'd' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  auto rest = text.substr(shape.size());
  if (rest.empty()) return true;
  return rest.size() > 1 && rest[0] == '-' && std::all_of(rest.begin() + 1, rest.end(), is_digit);
}

core::result<bool> ends_in_the_middle(const core::file& file, std::uint64_t size) {
  if (size == 0) return false;
  std::array<char, 1> last{};
  auto read = file.read_at(size - 1, last);
  if (!read) return read.reason();
  return last[0] != '\n';
}

}  // namespace

core::result<void> audit_file::open() {
  auto opened = files_.open_write(path_);
  if (!opened && opened.reason().code == core::errc::not_found) {
    opened = core::create_with_directory(files_, path_);
    if (opened)
      if (auto synced = files_.sync_directory(directory_of(path_)); !synced) return synced;
  }
  if (!opened) return opened.reason();
  auto size = (*opened)->size();
  if (!size) return size.reason();
  auto is_torn = ends_in_the_middle(**opened, *size);
  if (!is_torn) return is_torn.reason();
  if (*is_torn) {
    constexpr std::array<std::string_view, 1> newline{"\n"};
    if (auto ended = (*opened)->write_at(*size, newline); !ended) return ended;
    ++*size;
  }
  // What was read may have been written by a process that was killed before its sync.
  if (auto synced = (*opened)->sync(); !synced) return synced;
  file_ = std::move(*opened);
  size_ = *size;
  return {};
}

core::result<void> audit_file::append(std::string_view bytes) {
  if (file_ && !file_->check_in_place()) file_.reset();
  if (!file_)
    if (auto opened = open(); !opened) return opened;
  const std::array<std::string_view, 1> pieces{bytes};
  auto done = file_->write_at(size_, pieces);
  if (done) done = file_->sync();
  if (done) {
    size_ += bytes.size();
    return {};
  }
  auto failure = done.reason();
  // Where this fails as well, half a record stays, and is ended when the file is opened anew.
  if (auto cut = file_->truncate(size_); !cut) failure.text += "; and " + cut.reason().text;
  file_.reset();
  return failure;
}

core::result<void> audit_file::rename_to(const std::string& path) {
  file_.reset();
  if (auto renamed = files_.rename(path_, path); !renamed) return renamed;
  size_ = 0;
  return files_.sync_directory(directory_of(path_));
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string shadow_path(const std::string& path) {
  const auto [stem, ending] = stem_and_ending(path);
  return stem + "-shadow" + ending;
}

std::string rotation_time(core::time_point when, std::size_t number) {
  const auto second = std::chrono::floor<std::chrono::seconds>(when);
  const auto day = std::chrono::floor<std::chrono::days>(second);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(second - day);
  return fmt::format("{:04}{:02}{:02}-{:02}{:02}{:02}{}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     number == 0 ? "" : "-" + std::to_string(number));
}

bool earlier::operator()(const std::string& a, const std::string& b) const {
  // By the second, then by the number: "-2" before "-10".
  const int seconds = a.compare(0, time_size, b, 0, time_size);
  if (seconds != 0) return seconds < 0;
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string rotated_path(const std::string& path, const std::string& time) {
  const auto [stem, ending] = stem_and_ending(path);
  return stem + "-" + time + ending;
}

core::result<rotation_times> find_rotations(core::file_system& files, const std::string& path) {
  auto names = files.list(directory_of(path));
  if (!names) return names.reason();
  const auto [stem_path, ending] = stem_and_ending(path);
  const std::string stem = stem_path.substr(stem_path.rfind('/') + 1) + "-";
  rotation_times found;
  for (const auto& name : *names) {
    if (name.size() <= stem.size() + ending.size() || !name.starts_with(stem) ||
        !name.ends_with(ending))
      continue;
    auto time = name.substr(stem.size(), name.size() - stem.size() - ending.size());
    if (is_time(time)) found.insert(std::move(time));
  }
  return found;
}

}  // namespace nexus::audit
