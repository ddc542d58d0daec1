#include "audit/reader.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace nexus::audit {
namespace {

constexpr std::size_t chunk_bytes = 1024 * 1024;
/// What is longer was not written by us: a record comes from a request's header, which is bounded.
constexpr std::size_t line_bytes_max = 4 * 1024 * 1024;

/// Calls `visit` with the offset of each line and its bytes, without the newline; a line that is
/// too long comes empty.
core::result<void> for_each_line(
    const readable_file& from,
    const std::function<core::result<void>(std::uint64_t, std::string_view)>& visit) {
  std::string held;
  std::uint64_t held_at = 0;
  bool is_too_long = false;
  for (std::uint64_t offset = 0; offset < from.size;) {
    const std::size_t kept = held.size();
    held.resize(kept +
                static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, from.size - offset)));
    auto read = from.file->read_at(offset, {held.data() + kept, held.size() - kept});
    if (!read) return read.reason();
    held.resize(kept + *read);
    if (*read == 0) break;
    offset += *read;
    std::size_t begin = 0;
    for (std::size_t end; (end = held.find('\n', begin)) != held.npos; begin = end + 1) {
      const auto line = std::string_view(held).substr(begin, end - begin);
      auto done = visit(held_at + begin, is_too_long ? std::string_view() : line);
      if (!done) return done;
      is_too_long = false;
    }
    held.erase(0, begin);
    held_at += begin;
    if (held.size() > line_bytes_max) {
      held_at += held.size();
      held.clear();
      is_too_long = true;
    }
  }
  return {};
}

}  // namespace

core::result<void> reader::read_one(const readable_file& file, bool is_shadow, const visitor& visit,
                                    std::uint64_t& damaged) {
  if (!file.file) return {};
  return for_each_line(
      file, [&](std::uint64_t offset, std::string_view line) -> core::result<void> {
        if (stop_) return core::error{core::errc::closed, "the server is stopping"};
        const auto json = codec_.read_line(line);
        auto parsed = json ? parse_record(*json)
                           : core::result<std::optional<record>>(
                                 core::error{core::errc::corrupt, "a damaged line"});
        if (!parsed)
          ++damaged;
        else if (*parsed)
          visit(**parsed, {is_shadow, offset, line.size()});
        return {};
      });
}

core::result<void> reader::read(const file_pair& files, const visitor& visit) {
  std::uint64_t damaged = 0, ignored = 0;
  auto done = read_one(files.primary, false, visit, damaged);
  if (!done) return done;
  counts_.damaged += damaged;
  const bool same = damaged == 0 && files.primary.file && files.primary.size == files.shadow.size;
  if (same || !files.shadow.file || files.shadow.size == 0) return {};
  std::unordered_set<std::string> known;
  done = read_one(
      files.primary, false, [&](const record& one, const place&) { known.insert(one.record_id); },
      ignored);
  if (!done) return done;
  return read_one(
      files.shadow, true,
      [&](const record& one, const place& where) {
        if (!known.insert(one.record_id).second) return;
        ++counts_.recovered;
        visit(one, where);
      },
      ignored);
}

core::result<std::uint64_t> reader::find(const file_pair& files, const filter& which,
                                         std::uint64_t skip, std::size_t limit,
                                         std::vector<record>& to) {
  struct hit {
    core::time_point timestamp;
    place where;
  };
  std::vector<hit> hits;
  const auto before = counts_.recovered;
  auto done = read(files, [&](const record& one, const place& where) {
    if (which.fits(one)) hits.push_back({one.timestamp, where});
  });
  if (!done) return done.reason();
  if (counts_.recovered != before)
    std::stable_sort(hits.begin(), hits.end(),
                     [](const hit& a, const hit& b) { return a.timestamp < b.timestamp; });
  for (std::uint64_t i = skip; i < hits.size() && to.size() < limit; ++i) {
    auto found = read_at(files, hits[hits.size() - 1 - static_cast<std::size_t>(i)].where);
    if (!found) return found.reason();
    to.push_back(std::move(*found));
  }
  return hits.size();
}

core::result<record> reader::read_at(const file_pair& files, const place& where) const {
  const auto& from = where.in_shadow ? files.shadow : files.primary;
  std::string line(where.length, '\0');
  auto read = from.file->read_at(where.offset, line);
  if (!read) return read.reason();
  const auto json = codec_.read_line(line);
  if (json)
    if (auto parsed = parse_record(*json); parsed && *parsed) return std::move(**parsed);
  return core::error{core::errc::corrupt, "a record was changed while it was read"};
}

}  // namespace nexus::audit
