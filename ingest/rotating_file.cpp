#include "ingest/rotating_file.hpp"

#include <array>
#include <utility>

namespace nexus::ingest {
namespace {

/// It may be missing.
core::result<void> unless_missing(core::result<void> outcome) {
  if (!outcome && outcome.reason().code == core::errc::not_found) return {};
  return outcome;
}

}  // namespace

core::result<std::unique_ptr<rotating_file>> rotating_file::open(core::file_system& files,
                                                                 rotating_file_options how) {
  std::unique_ptr<rotating_file> made(new rotating_file(files, std::move(how)));
  if (auto opened = made->reopen(); !opened) return opened.reason();
  return made;
}

core::result<void> rotating_file::reopen() {
  file_.reset();
  auto opened = files_.open_write(how_.path);
  if (!opened && opened.reason().code == core::errc::not_found)
    opened = core::create_with_directory(files_, how_.path);
  if (!opened) return opened.reason();
  const auto size = (*opened)->size();
  if (!size) return size.reason();
  std::array<char, 1> last{'\n'};
  if (*size > 0)
    if (const auto read = (*opened)->read_at(*size - 1, last); !read) return read.reason();
  ends_in_line_ = last[0] == '\n';
  size_ = *size;
  file_ = std::move(*opened);
  return {};
}

core::result<void> rotating_file::append(const std::vector<std::string>& lines,
                                         std::size_t& written) {
  written = 0;
  if (!file_ || !file_->check_in_place())
    if (auto opened = reopen(); !opened) return opened;
  const auto size = file_->size();
  if (!size) return size.reason();
  size_ = *size;
  while (written < lines.size()) {
    if (auto room = make_room(lines[written].size() + 1); !room) return room;
    std::string text = ends_in_line_ ? "" : "\n";
    std::size_t count = 0;
    do {
      (text += lines[written + count]) += '\n';
      ++count;
    } while (written + count < lines.size() &&
             size_ + text.size() + lines[written + count].size() < how_.bytes_max);
    if (auto done = write(text); !done) return done;
    written += count;
  }
  return {};
}

core::result<void> rotating_file::write(const std::string& text) {
  const std::array<std::string_view, 1> pieces{text};
  auto done = file_->write_at(size_, pieces);
  if (!done) {
    // A part of it may be there. If this fails as well, opening the file again finds a half line.
    (void)file_->truncate(size_);
    file_.reset();
    return done;
  }
  size_ += text.size();
  ends_in_line_ = true;
  return {};
}

core::result<void> rotating_file::make_room(std::uint64_t bytes) {
  if (size_ == 0 || size_ + bytes <= how_.bytes_max) return {};
  return rotate();
}

core::result<void> rotating_file::rotate() {
  file_.reset();
  for (std::size_t number = how_.files_max; number > 0; --number) {
    const std::string from = number == 1 ? how_.path : old_name(number - 1);
    if (auto moved = unless_missing(files_.rename(from, old_name(number))); !moved) return moved;
  }
  return reopen();
}

std::string rotating_file::old_name(std::size_t number) const {
  return how_.path + "." + std::to_string(number);
}

}  // namespace nexus::ingest
