#include "destinations/jsonl_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <unordered_set>
#include <utility>

#include "core/json_text.hpp"
#include "destinations/jsonl_lines.hpp"
#include "destinations/jsonl_rotation.hpp"

namespace nexus::destinations {
namespace {

constexpr std::size_t ids_most = 100'000;
constexpr std::uint64_t tail_bytes = 64 * 1024 * 1024;

std::uint64_t tail_begin(std::uint64_t size, std::uint64_t budget) {
  return size > budget ? size - budget : 0;
}

/// Whether a file could be created at `path`: its directory, or the nearest above it that exists,
/// may be written to.
core::result<void> check_creatable(const std::string& path) {
  std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::error_code unknown;
  while (directory.has_relative_path() && !std::filesystem::exists(directory, unknown) &&
         !unknown) {
    directory = directory.parent_path();
  }
  if (unknown) return core::os_error(unknown.value(), "cannot look for " + directory.string());
  if (!std::filesystem::is_directory(directory, unknown)) {
    return core::os_error(ENOTDIR, directory.string());
  }
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return {};
  return core::os_error(errno, "cannot create a file in " + directory.string());
}

}  // namespace

jsonl_file::jsonl_file(std::string path, core::file_system& files)
    : path_(std::move(path)), files_(files), known_(ids_most) {}

core::result<jsonl_file::turn> jsonl_file::take_turn(std::chrono::milliseconds timeout) {
  turn taken(turn_, timeout);
  if (taken) return taken;
  return core::error{core::errc::unreachable,
                     "an earlier call for " + path_ + " has not come to its end"};
}

core::result<void> jsonl_file::append(std::span<const jsonl_text> lines, const jsonl_options& how) {
  const auto mine = take_turn(how.timeout);
  if (!mine) return mine.reason();
  if (auto opened = ready(how); !opened) return opened;
  std::vector<std::string_view> pieces;
  std::unordered_set<std::string_view> fresh;
  std::uint64_t bytes = 0;
  for (const auto& [id, line] : lines) {
    if (!id.empty() && (known_.contains(id) || !fresh.insert(id).second)) continue;
    pieces.push_back(line);
    bytes += line.size();
  }
  if (pieces.empty()) return {};
  if (how.rotate_bytes > 0 && size_ > 0 && size_ + bytes > how.rotate_bytes) {
    if (auto rotated = rotate(how); !rotated) return rotated;
  }
  if (auto written = write(pieces, how.sync); !written) return written;
  size_ += bytes;
  for (const auto& each : lines) {
    if (!each.payload_id.empty()) known_.add(each.payload_id);
  }
  return {};
}

core::result<std::vector<bool>> jsonl_file::exists(std::span<const std::string> payload_ids,
                                                   std::chrono::milliseconds timeout) {
  const auto mine = take_turn(timeout);
  if (!mine) return mine.reason();
  if (unclean_) {
    return core::error{core::errc::unreachable, path_ + " holds a write that failed"};
  }
  auto paths = rotated_files(files_, path_);
  if (!paths) return std::move(paths).reason();
  paths->push_back(path_);
  std::unordered_set<std::string> missing(payload_ids.begin(), payload_ids.end());
  for (const auto& path : *paths) {
    auto from = files_.open_read(path);
    if (!from && from.reason().code == core::errc::not_found) continue;
    if (!from) return std::move(from).reason();
    auto read = for_each_line(**from, 0,
                              [&](std::string_view line) { missing.erase(payload_id_of(line)); });
    if (!read) return std::move(read).reason();
  }
  std::vector<bool> found;
  for (const auto& id : payload_ids) found.push_back(!missing.contains(id));
  return found;
}

core::result<void> jsonl_file::ping() const {
  auto opened = files_.open_write(path_);
  if (opened) return {};
  if (opened.reason().code == core::errc::not_found) return check_creatable(path_);
  return std::move(opened).reason();
}

/// Opens the file if it is not open, and anew if it is not as it was left.
core::result<void> jsonl_file::ready(const jsonl_options& how) {
  if (unclean_) {
    if (auto cut = take_back(); !cut) return cut;
  }
  if (file_) {
    const auto size = file_->size();
    if (!size || *size != size_ || !file_->check_in_place()) file_.reset();
  }
  return file_ ? core::result<void>() : open(how);
}

core::result<void> jsonl_file::open(const jsonl_options& how) {
  auto opened = files_.open_write(path_);
  if (opened) {
    file_ = *std::move(opened);
  } else if (opened.reason().code != core::errc::not_found) {
    return std::move(opened).reason();
  } else if (auto created = create(); !created) {
    return created;
  }
  auto done = learn_open_file();
  // A killed process may have written without syncing: what is found must be as durable as what is
  // written now, before an entry counts as delivered because of it.
  if (done && how.sync) done = file_->sync();
  if (!done) file_.reset();
  return done;
}

core::result<void> jsonl_file::create() {
  const std::string directory = directory_of(path_);
  std::error_code unknown;
  // A directory that is there keeps its mode, which make_directory would set.
  if (!std::filesystem::is_directory(directory, unknown)) {
    if (auto made = files_.make_directory(directory); !made) return made;
  }
  auto created = files_.create(path_);
  if (!created) return std::move(created).reason();
  file_ = *std::move(created);
  auto durable = files_.sync_directory(directory);
  if (!durable) file_.reset();
  return durable;
}

core::result<void> jsonl_file::learn_open_file() {
  const auto size = file_->size();
  if (!size) return size.reason();
  if (auto learnt = learn_rotated(tail_bytes - std::min(*size, tail_bytes)); !learnt) return learnt;
  const std::uint64_t begin = tail_begin(*size, tail_bytes);
  const auto end = for_each_line(*file_, begin, [this](std::string_view line) { remember(line); });
  if (!end) return end.reason();
  size_ = *size;
  if (*end == *size) return {};
  if (begin > 0 && *end == begin) {
    return core::error{core::errc::bad_config,
                       path_ +
                           " ends with a line of more than 64 MB: that is no file of this "
                           "destination, name another one"};
  }
  return mend_tail(*end, *size);
}

/// Remembers what stands at the end of the rotated files, `budget` bytes in all.
core::result<void> jsonl_file::learn_rotated(std::uint64_t budget) {
  struct part {
    std::unique_ptr<core::file> from;
    std::uint64_t begin;
  };
  auto paths = rotated_files(files_, path_);
  if (!paths) return std::move(paths).reason();
  std::vector<part> parts;
  for (auto path = paths->rbegin(); path != paths->rend() && budget > 0; ++path) {
    auto from = files_.open_read(*path);
    if (!from) return std::move(from).reason();
    const auto size = (*from)->size();
    if (!size) return size.reason();
    parts.push_back({*std::move(from), tail_begin(*size, budget)});
    budget -= std::min(*size, budget);
  }
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const auto read =
        for_each_line(*part->from, part->begin, [this](std::string_view line) { remember(line); });
    if (!read) return read.reason();
  }
  return {};
}

/// A line that a crash has cut off goes: nobody was told that it is delivered. Nothing else is ever
/// removed, only ended with a newline.
core::result<void> jsonl_file::mend_tail(std::uint64_t end, std::uint64_t size) {
  std::string tail(size - end, '\0');
  const auto got = file_->read_at(end, tail);
  if (!got) return got.reason();
  const bool whole = core::json::validate(tail).ok();
  // Zeros: a power cut may leave a file longer than what was written of it.
  if (!whole && (tail.front() == '{' || tail.front() == '\0')) {
    if (auto cut = file_->truncate(end); !cut) return cut;
    size_ = end;
    return {};
  }
  const std::string_view newline = "\n";
  if (auto written = file_->write_at(size, {&newline, 1}); !written) return written;
  size_ = size + 1;
  remember(tail);
  return {};
}

void jsonl_file::remember(std::string_view line) {
  const std::string id = payload_id_of(line);
  if (!id.empty()) known_.add(id);
}

core::result<void> jsonl_file::rotate(const jsonl_options& how) {
  auto rotated = rotated_files(files_, path_);
  if (!rotated) return std::move(rotated).reason();
  const std::string to = next_rotated(path_, *rotated, core::now());
  if (auto renamed = files_.rename(path_, to); !renamed) return renamed;
  file_.reset();
  if (auto created = create(); !created) return created;
  size_ = 0;
  rotated->push_back(to);
  if (how.keep_files == 0 || rotated->size() <= how.keep_files) return {};
  rotated->resize(rotated->size() - how.keep_files);
  for (const auto& old : *rotated) {
    if (auto removed = files_.remove(old); !removed) return removed;
  }
  return {};
}

core::result<void> jsonl_file::write(const std::vector<std::string_view>& pieces, bool sync) {
  auto done = file_->write_at(size_, pieces);
  if (done && sync) done = file_->sync();
  if (done) return done;
  unclean_ = true;
  // Whether that works or not, the entries have failed for the first reason.
  (void)take_back();
  return done;
}

/// Cuts off what a failed write has left. The file is closed then: after a failed sync its opening
/// must not be trusted any more.
core::result<void> jsonl_file::take_back() {
  if (auto cut = file_->truncate(size_); !cut) return cut;
  unclean_ = false;
  file_.reset();
  return {};
}

}  // namespace nexus::destinations
