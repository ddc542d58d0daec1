#include "wal/quarantine.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <span>

#include "core/base64.hpp"
#include "core/json_text.hpp"

namespace nexus::wal {
namespace {

/// A multiple of three, so that the pieces' Base64 is that of the whole.
constexpr std::size_t piece_bytes = 768 << 10;

/// The members before the data fit into this many bytes; what says less is not one of our lines.
constexpr std::size_t head_bytes_max = 4096;

constexpr std::string_view data_key = ",\"data\":\"";

/// Hands the bytes of a damaged line to `take`, piece by piece.
core::result<void> for_each_piece(const core::file& source, const raw_line& line,
                                  const std::function<core::result<void>(std::string_view)>& take) {
  std::string buffer;
  for (std::uint64_t done = 0; done < line.bytes;) {
    auto want = static_cast<std::size_t>(std::min<std::uint64_t>(line.bytes - done, piece_bytes));
    std::string_view piece;
    if (line.text.size() != line.bytes) {
      buffer.resize(want);
      auto got = source.read_at(line.offset + done, std::span(buffer));
      if (!got) return got.reason();
      if (*got != want)
        return core::error{core::errc::corrupt, "a damaged line became shorter while it was read"};
      piece = buffer;
    } else {
      piece = line.text.substr(static_cast<std::size_t>(done), want);
    }
    if (auto taken = take(piece); !taken) return taken;
    done += want;
  }
  return {};
}

core::result<std::uint32_t> crc_of(const core::file& source, const raw_line& line) {
  auto crc = ::crc32(0, nullptr, 0);
  auto read = for_each_piece(source, line, [&](std::string_view piece) -> core::result<void> {
    crc = ::crc32_z(crc, reinterpret_cast<const unsigned char*>(piece.data()), piece.size());
    return {};
  });
  if (!read) return read.reason();
  return static_cast<std::uint32_t>(crc);
}

std::string hex(std::uint32_t crc) {
  std::string text(8, '0');
  for (std::size_t i = 0; i < text.size(); ++i)
    text[i] = "0123456789abcdef"[crc >> (28 - 4 * i) & 15];
  return text;
}

/// Up to the first character of the data.
std::string head_of(const std::string& segment, const raw_line& line, std::uint32_t crc,
                    std::string_view reason, core::time_point found_at) {
  std::string out = "{\"segment\":";
  core::json::append_quoted(out, segment);
  out += ",\"line\":" + std::to_string(line.number);
  out += ",\"offset\":" + std::to_string(line.offset);
  out += ",\"bytes\":" + std::to_string(line.bytes);
  out += ",\"crc32\":\"" + hex(crc) + "\",\"reason\":";
  core::json::append_quoted(out, reason);
  out += ",\"found_at\":\"" + core::format_timestamp(found_at) + "\"";
  return out += data_key;
}

/// Length and CRC that the head of a line tells; nothing if it is none of ours.
std::optional<std::pair<std::uint64_t, std::uint32_t>> read_head(std::string_view head) {
  auto end = head.find(data_key);
  if (end == head.npos) return {};
  std::optional<std::uint64_t> bytes;
  std::optional<std::uint32_t> crc;
  auto number = [](auto& into, std::string_view text, int base) {
    if (std::from_chars(text.data(), text.data() + text.size(), into.emplace(), base).ec !=
        std::errc{})
      into.reset();
  };
  auto read = core::json::for_each_member(std::string(head.substr(0, end)) + "}",
                                          [&](const core::json::member& one) -> core::result<void> {
                                            if (one.key == "\"bytes\"")
                                              number(bytes, one.value, 10);
                                            if (one.key == "\"crc32\"")
                                              number(crc, one.value.substr(1), 16);
                                            return {};
                                          });
  if (!read || !bytes || !crc) return {};
  return std::pair{*bytes, *crc};
}

}  // namespace

quarantine::quarantine(const options& how)
    : how_(how), directory_(how.directory + "/" + std::string(quarantine_name)) {}

core::result<void> quarantine::add(const core::file& source, const std::string& segment,
                                   const raw_line& line, std::string_view reason) {
  if (file_ && segment != segment_)
    if (auto synced = sync(); !synced) return synced;
  if (!file_)
    if (auto opened = open(segment); !opened) {
      file_.reset();
      return opened;
    }
  auto crc = crc_of(source, line);
  if (!crc) return crc.reason();
  identity id{line.bytes, *crc};
  if (known_.count(id) > 0) return {};
  auto written = write(source, line, head_of(segment, line, *crc, reason, how_.clock()));
  if (!written) return cut_back(written.reason(), size_);
  known_.insert(id);
  ++added_;
  return {};
}

core::result<void> quarantine::sync() {
  if (!file_) return {};
  // Also where nothing was added: a killed process may have written without syncing.
  if (auto synced = file_->sync(); !synced) return cut_back(synced.reason(), known_size_);
  file_.reset();
  if (auto synced = how_.files->sync_directory(directory_); !synced) return synced;
  return how_.files->sync_directory(how_.directory);
}

core::result<void> quarantine::open(const std::string& segment) {
  if (auto made = how_.files->make_directory(directory_); !made) return made;
  auto path = directory_ + "/" + segment;
  auto file = how_.files->open_write(path);
  if (!file && file.reason().code == core::errc::not_found) file = how_.files->create(path);
  if (!file) return file.reason();
  file_ = *std::move(file);
  segment_ = segment;
  if (auto read = read_known(); !read) return read;
  auto size = file_->size();
  if (!size) return size.reason();
  // A copy that a crash has cut off: it is made again from the line itself.
  if (size_ < *size) return file_->truncate(size_);
  return {};
}

core::result<void> quarantine::read_known() {
  known_.clear();
  size_ = 0;
  std::string buffer(piece_bytes, '\0'), head, end;
  for (std::uint64_t offset = 0;;) {
    auto got = file_->read_at(offset, std::span(buffer));
    if (!got) return got.reason();
    if (*got == 0) break;
    std::string_view rest(buffer.data(), *got);
    while (!rest.empty()) {
      auto newline = rest.find('\n');
      auto part = rest.substr(0, newline);
      head += part.substr(0, head_bytes_max - head.size());
      end += part.substr(part.size() - std::min<std::size_t>(part.size(), 2));
      end.erase(0, end.size() - std::min<std::size_t>(end.size(), 2));
      if (newline == rest.npos) break;
      auto id = read_head(head);
      if (id && end.ends_with("\"}")) known_.insert(*id);
      rest.remove_prefix(newline + 1);
      size_ = offset + static_cast<std::uint64_t>(rest.data() - buffer.data());
      head.clear();
      end.clear();
    }
    offset += *got;
  }
  known_size_ = size_;
  return {};
}

core::result<void> quarantine::write(const core::file& source, const raw_line& line,
                                     std::string head) {
  auto at = size_;
  auto put = [&](std::string_view text) -> core::result<void> {
    if (auto written = file_->write_at(at, std::span(&text, 1)); !written) return written;
    at += text.size();
    return {};
  };
  // Short lines, as nearly all are, take one write.
  auto waiting = std::move(head);
  auto copied = for_each_piece(source, line, [&](std::string_view piece) -> core::result<void> {
    core::append_base64(waiting, piece);
    if (waiting.size() < piece_bytes) return {};
    auto written = put(waiting);
    waiting.clear();
    return written;
  });
  if (!copied) return copied;
  waiting += "\"}\n";
  if (auto written = put(waiting); !written) return written;
  size_ = at;
  return {};
}

/// What is not durable must not be taken for a copy by the next opening. Where the file can't be
/// cut now, a piece of a line is cut then.
core::result<void> quarantine::cut_back(core::error why, std::uint64_t size) {
  if (auto cut = file_->truncate(size); !cut) how_.log->warn(cut.reason().text);
  file_.reset();
  return why;
}

}  // namespace nexus::wal
