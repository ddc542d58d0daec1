#include "wal/segment_reader.hpp"

#include <algorithm>
#include <cstring>

namespace nexus::wal {
namespace {

/// Small enough to stay in a processor's second-level cache between reading and looking at it.
constexpr std::size_t buffer_bytes = 256 << 10;

/// Lines up to this length are read whole. The reference accepted some that it could not read back
/// (over 10 MiB): those are entries like any other. Beyond it, it is damage.
constexpr std::size_t read_bytes_max = 64 << 20;

}  // namespace

segment_reader::segment_reader(const core::file& source, std::uint64_t size)
    : source_(source), size_(size) {
  buffer_.resize(buffer_bytes);
}

core::result<bool> segment_reader::fill() {
  if (start_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + start_, used_ - start_);
    used_ -= start_;
    start_ = 0;
  }
  auto file_offset = line_start_ + used_;
  if (file_offset >= size_) return false;
  if (used_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  auto want = std::min<std::uint64_t>(buffer_.size() - used_, size_ - file_offset);
  auto got = source_.read_at(file_offset, std::span(buffer_).subspan(used_, want));
  if (!got) return got.reason();
  if (*got < want) size_ = file_offset + *got;  // shorter than it was said to be
  used_ += *got;
  return *got > 0;
}

/// Preallocated space can be as large as a segment: it is let go of as it is read.
void segment_reader::skip_padding() {
  while (start_ < used_ && buffer_[start_] == '\0') ++start_, ++line_start_;
}

core::result<const raw_line*> segment_reader::next() {
  std::size_t searched = start_;
  std::uint64_t dropped = 0;  // bytes of this line that are not in the buffer any more
  for (;;) {
    auto* newline =
        static_cast<const char*>(std::memchr(buffer_.data() + searched, '\n', used_ - searched));
    if (newline) {
      auto end = static_cast<std::size_t>(newline - buffer_.data());
      std::string_view text(buffer_.data() + start_, end - start_);
      auto line = finish(text, true, dropped);
      start_ = end + 1;
      line_start_ += text.size() + 1;
      return line;
    }
    if (dropped == 0) skip_padding();
    if (used_ - start_ >=
        read_bytes_max) {  // let go of what was read; only the newline is still of interest
      dropped += used_ - start_;
      line_start_ += used_ - start_;
      start_ = used_;
    }
    searched = used_ - start_;  // fill() moves the line to the front
    auto more = fill();
    if (!more) return more.reason();
    if (!*more) break;
  }
  std::string_view rest(buffer_.data() + start_, used_ - start_);
  if (rest.empty() && dropped == 0) return nullptr;
  auto line = finish(rest, false, dropped);
  start_ = used_;
  line_start_ += rest.size();
  return line;
}

const raw_line* segment_reader::finish(std::string_view text, bool terminated,
                                       std::uint64_t dropped) {
  auto nuls = dropped > 0 ? 0 : std::min(text.find_first_not_of('\0'), text.size());
  text.remove_prefix(nuls);
  if (!terminated) text = text.substr(0, text.find_last_not_of('\0') + 1);
  line_.text = text;
  line_.offset = line_start_ - dropped + nuls;
  line_.bytes = dropped + text.size();
  line_.number = ++number_;
  line_.terminated = terminated;
  line_.too_long = dropped > 0;
  return &line_;
}

}  // namespace nexus::wal
