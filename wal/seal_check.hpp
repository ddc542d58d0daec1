// One segment beside its seals: is each entry line there that was there when it was sealed, and
// where it was? If not, what has happened, and at which line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "wal/chain.hpp"
#include "wal/format.hpp"
#include "wal/verify.hpp"

namespace nexus::wal {

/// Where a line stands.
struct line_place {
  std::uint64_t line = 0;    ///< counted from 1; 0: the whole segment
  std::uint64_t offset = 0;  ///< of its first byte
};

/// A line as a seal sees it.
struct covered_line {
  line_place at;
  /// Nothing: a line that can't be read, or that a repair has taken out. It stands for one entry or
  /// for none.
  std::optional<mac_bytes> mac;
};

/// Some of the sealed tags, and the lines that stand where those lines were.
struct seal_gap {
  std::size_t tag = 0, tags = 0;    ///< the first tag that has no line, and how many
  std::size_t line = 0, lines = 0;  ///< the first line in their place, and how many
};

/// Where the sequence of lines and the sequence of tags part, and where they meet again; nothing if
/// they are the same. `tags`: the first two bytes of each MAC. Stops after a hundred gaps.
std::vector<seal_gap> find_gaps(std::span<const std::uint16_t> tags,
                                std::span<const covered_line> lines);

/// Takes in a segment's lines, and its seals where they stand. One thread at a time.
class seal_check {
 public:
  /// `format` must outlive it.
  seal_check(const line_format& format, std::string segment);

  void add(const covered_line& line);
  /// A seal that covers everything so far, and stands at `at`.
  void add_seal(const seal& value, line_place at);

  /// The first entry line that no seal covers.
  std::optional<line_place> first_uncovered() const;
  /// Whether a line that can't be read stands behind the last seal: it may have been a seal.
  bool may_hide_seal() const;
  /// What that seal covered, if no other line is unreadable.
  std::optional<chain> hidden_cover() const;

  /// What is wrong by the first seal that does not fit.
  std::vector<finding> findings() const;

 private:
  struct broken_seal {
    seal value;
    std::size_t covers;
    line_place at;
  };
  bool fits(const seal& value);
  std::vector<std::uint16_t> tags_of(const seal& value) const;

  const line_format& format_;
  std::string segment_;
  std::vector<covered_line> lines_;
  bool has_unknown_ = false;
  std::size_t covered_ = 0;  ///< lines before the last seal
  std::optional<chain> sum_;
  std::string sum_previous_;
  std::optional<broken_seal> broken_;
};

}  // namespace nexus::wal
