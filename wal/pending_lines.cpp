#include "wal/pending_lines.hpp"

#include <algorithm>
#include <string_view>

namespace nexus::wal {
namespace {

/// At most so much is read at a time, unless a single line is longer: few system calls, and what
/// was read is still in the processor's cache when it is looked at.
constexpr std::uint64_t run_bytes_max = 256 << 10;

/// So much between two lines is read along: it costs less than another system call.
constexpr std::uint64_t gap_bytes_max = 4 << 10;

std::uint64_t end_of(const location& where) {
  return where.offset + where.length;
}

}  // namespace

void pending_lines::begin(position from) {
  segments_.clear();
  lines_.clear();
  next_ = from;
  at_end_ = false;
}

core::result<void> pending_lines::add(const pending_index::found& found, const catalog& known) {
  auto& in = segments_[found.where.segment];
  if (!in.file) {
    const auto& segment = known.at(found.where.segment);
    auto opened = files_.open_read(known.path(segment));
    if (!opened) return opened.reason();
    in.file = *std::move(opened);
    in.name = segment.name;
    in.decoder = std::make_unique<line_decoder>(format_, in.name);
  }
  lines_.push_back({found.at, found.where, &in});
  next_ = found.at + 1;
  return {};
}

void pending_lines::end_at(position end) {
  next_ = end;
  at_end_ = true;
}

std::span<const pending_lines::line> pending_lines::run_from(std::size_t first) const {
  const auto& front = lines_[first];
  auto end = end_of(front.where);
  auto last = first + 1;
  for (; last < lines_.size(); ++last) {
    const auto& [at, where, in] = lines_[last];
    if (in != front.in || where.offset < end || where.offset - end > gap_bytes_max) break;
    if (end_of(where) - front.where.offset > run_bytes_max) break;
    end = end_of(where);
  }
  return std::span(lines_).subspan(first, last - first);
}

core::result<std::size_t> pending_lines::load(std::span<const line> run) {
  const auto start = run.front().where.offset;
  const auto bytes = static_cast<std::size_t>(end_of(run.back().where) - start);
  buffer_.resize(std::max(buffer_.size(), bytes));
  return run.front().in->file->read_at(start, std::span(buffer_).first(bytes));
}

core::result<void> pending_lines::read(const visitor& visit,
                                       const std::function<void(const lost_line&)>& lost) {
  for (std::size_t first = 0; first < lines_.size();) {
    auto run = run_from(first);
    auto got = load(run);
    if (!got && run.size() > 1) {
      // What can't be read may be none of the lines, or none of the first ones.
      run = run.first(1);
      got = load(run);
    }
    if (!got) return got.reason();
    for (const auto& [at, where, in] : run) {
      const auto offset = static_cast<std::size_t>(where.offset - run.front().where.offset);
      if (offset + where.length > *got) {
        lost({at,
              in->name,
              where.offset,
              {core::errc::corrupt, "the segment is shorter than it was"}});
        continue;
      }
      raw_line raw;
      raw.text = std::string_view(buffer_).substr(offset, where.length);
      classify(raw, *in->decoder, scanned_);
      if (scanned_.kind == line_kind::entry)
        visit(at, scanned_);
      else
        lost({at, in->name, where.offset, not_whole_any_more(scanned_.kind)});
    }
    first += run.size();
  }
  return {};
}

}  // namespace nexus::wal
