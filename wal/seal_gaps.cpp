#include <algorithm>

#include "wal/seal_check.hpp"

namespace nexus::wal {
namespace {

/// So many lines in a row that fit mean that the sequences have met again: by chance it happens
/// once in 2^64 places.
constexpr int lines_that_meet = 4;

/// Lines that can't be read are looked past up to here.
constexpr std::size_t look_ahead_max = 60;

/// Gaps of different length on the two sides are looked for up to this length.
constexpr std::size_t uneven_max = 32;

constexpr std::size_t gaps_max = 100;

class alignment {
 public:
  alignment(std::span<const std::uint16_t> tags, std::span<const covered_line> lines)
      : tags_(tags), lines_(lines) {}

  std::vector<seal_gap> run() {
    std::vector<seal_gap> gaps;
    std::size_t tag = 0, line = 0;
    while ((tag < tags_.size() || line < lines_.size()) && gaps.size() < gaps_max) {
      if (line < lines_.size() && !lines_[line].mac) {
        const bool takes_one = meets(tag + 1, line + 1) || !meets(tag, line + 1);
        if (takes_one && tag < tags_.size()) ++tag;
        ++line;
      } else if (tag < tags_.size() && line < lines_.size() && same(tag, line)) {
        ++tag, ++line;
      } else {
        gaps.push_back(gap_at(tag, line));
        tag += gaps.back().tags;
        line += gaps.back().lines;
      }
    }
    return gaps;
  }

 private:
  bool same(std::size_t tag, std::size_t line) const {
    const auto& mac = *lines_[line].mac;
    return tags_[tag] == (mac[0] << 8 | mac[1]);
  }

  /// Whether the sequences run together from here on, for a few lines or to their common end. The
  /// set bits of `reached` are the tags, counted from `tag`, that may be the next one: a line that
  /// can't be read stands for a tag or for none.
  bool meets(std::size_t tag, std::size_t line) const {
    if (tag > tags_.size() || line > lines_.size()) return false;
    std::uint64_t reached = 1;
    int met = 0;
    for (std::size_t looked = 0; looked < look_ahead_max; ++looked, ++line) {
      const auto left = tags_.size() - tag;
      if (line == lines_.size()) return left < 64 && (reached >> left & 1) != 0;
      if (!lines_[line].mac) {
        reached |= reached << 1;
        if (left < 63) reached &= (std::uint64_t{2} << left) - 1;
        continue;
      }
      std::uint64_t next = 0;
      for (std::size_t i = 0; i <= looked && i < left; ++i)
        if ((reached >> i & 1) != 0 && same(tag + i, line)) next |= std::uint64_t{2} << i;
      if (next == 0) return false;
      reached = next;
      if (++met == lines_that_meet) return true;
    }
    return true;
  }

  /// The shortest gap after which the sequences run together again.
  seal_gap gap_at(std::size_t tag, std::size_t line) const {
    const auto tags = tags_.size() - tag, lines = lines_.size() - line;
    for (std::size_t length = 1; length <= std::max(tags, lines); ++length) {
      if (meets(tag + length, line)) return {tag, length, line, 0};
      if (meets(tag, line + length)) return {tag, 0, line, length};
      if (meets(tag + length, line + length)) return {tag, length, line, length};
      if (length > uneven_max) continue;
      for (std::size_t shorter = 1; shorter < length; ++shorter) {
        if (meets(tag + length, line + shorter)) return {tag, length, line, shorter};
        if (meets(tag + shorter, line + length)) return {tag, shorter, line, length};
      }
    }
    return {tag, tags, line, lines};
  }

  std::span<const std::uint16_t> tags_;
  std::span<const covered_line> lines_;
};

}  // namespace

std::vector<seal_gap> find_gaps(std::span<const std::uint16_t> tags,
                                std::span<const covered_line> lines) {
  return alignment(tags, lines).run();
}

}  // namespace nexus::wal
