#include "wal/seal_check.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace nexus::wal {
namespace {

std::uint16_t tag_of(const mac_bytes& mac) {
  return static_cast<std::uint16_t>(mac[0] << 8 | mac[1]);
}

std::string count_of(std::size_t lines) {
  return lines == 1 ? "a line" : std::to_string(lines) + " lines";
}

bool is_unknown(const covered_line& line) {
  return !line.mac;
}

/// Says what has happened at the gaps between a seal and the lines that it covers.
class explanation {
 public:
  explanation(const std::string& segment, std::span<const std::uint16_t> tags,
              std::span<const covered_line> lines, std::size_t covered, line_place seal_at,
              std::vector<seal_gap> gaps)
      : segment_(segment),
        tags_(tags),
        lines_(lines),
        covered_(covered),
        seal_at_(seal_at),
        gaps_(std::move(gaps)),
        about_(gaps_.size()) {}

  std::vector<finding> run() {
    collect_missing();
    collect_strays();
    for (std::size_t i = 0; i < gaps_.size(); ++i) explain(gaps_[i], about_[i]);
    return std::move(out_);
  }

 private:
  struct gap_notes {
    std::size_t missing = 0;           ///< tags that are nowhere else either
    std::vector<std::size_t> strays;   ///< lines that were nowhere else either
    std::optional<std::string> moved;  ///< what has moved, if it was not told before
  };

  void collect_missing() {
    for (std::size_t i = 0; i < gaps_.size(); ++i) {
      about_[i].missing = gaps_[i].tags;
      for (std::size_t tag = gaps_[i].tag; tag < gaps_[i].tag + gaps_[i].tags; ++tag)
        missing_.emplace(tags_[tag], i);
    }
  }

  /// Lines that stand where no tag tells of them; one whose tag is missing elsewhere has moved.
  void collect_strays() {
    for (std::size_t i = 0; i < gaps_.size(); ++i) {
      for (auto line = gaps_[i].line; line < gaps_[i].line + gaps_[i].lines; ++line) {
        if (!lines_[line].mac) {
          if (about_[i].missing > 0) --about_[i].missing;
        } else if (!take_move(line, i)) {
          about_[i].strays.push_back(line);
        }
      }
    }
    for (auto line = covered_; line < lines_.size(); ++line)
      if (lines_[line].mac) take_move(line, gaps_.size());
  }

  bool take_move(std::size_t line, std::size_t to) {
    const auto found = missing_.find(tag_of(*lines_[line].mac));
    if (found == missing_.end()) return false;
    const auto from = found->second;
    missing_.erase(found);
    if (about_[from].missing > 0) --about_[from].missing;
    auto& told = about_[std::min(from, to)].moved;
    const auto number = std::to_string(lines_[line].at.line);
    if (!told)
      told = from < to ? "the line that stood here is line " + number + " now"
                       : "line " + number + " stood further down";
    return true;
  }

  void explain(const seal_gap& gap, const gap_notes& about) {
    if (about.moved) add(breach::moved_line, place_of(gap.line), *about.moved);
    if (!about.strays.empty() && about.missing > 0)
      return add(breach::changed_line, place_of(about.strays.front()),
                 "it is not the line that was sealed here");
    if (!about.strays.empty()) return add_stray(about.strays);
    if (about.missing == 0) return;
    const auto next = gap.line + gap.lines;
    if (next == covered_ && gap.tag + gap.tags == tags_.size())
      return add(breach::cut_off, seal_at_,
                 count_of(about.missing) + " missing at the end of the sealed segment");
    add(breach::removed_line, place_of(next), count_of(about.missing) + " missing before this one");
  }

  void add_stray(const std::vector<std::size_t>& strays) {
    const auto first = strays.front();
    const auto end = lines_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto same = std::find_if(lines_.begin(), end, [&](const covered_line& line) {
      return line.mac == lines_[first].mac;
    });
    if (same != end)
      return add(breach::repeated_line, lines_[first].at,
                 "the same line has stood before, as line " + std::to_string(same->at.line));
    add(breach::added_line, lines_[first].at,
        count_of(strays.size()) + " here that was not there when the segment was sealed");
  }

  line_place place_of(std::size_t line) const {
    return line < covered_ ? lines_[line].at : seal_at_;
  }
  void add(breach what, line_place at, std::string text) {
    out_.push_back({what, segment_, at.line, at.offset, std::move(text)});
  }

  const std::string& segment_;
  std::span<const std::uint16_t> tags_;
  std::span<const covered_line> lines_;
  std::size_t covered_;
  line_place seal_at_;
  std::vector<seal_gap> gaps_;
  std::vector<gap_notes> about_;                                 ///< of the gap with the same index
  std::unordered_multimap<std::uint16_t, std::size_t> missing_;  ///< tag -> gap
  std::vector<finding> out_;
};

}  // namespace

seal_check::seal_check(const line_format& format, std::string segment)
    : format_(format), segment_(std::move(segment)) {}

void seal_check::add(const covered_line& line) {
  if (is_unknown(line)) has_unknown_ = true;
  lines_.push_back(line);
}

void seal_check::add_seal(const seal& value, line_place at) {
  covered_ = lines_.size();
  // What does not fit one seal fits no later one: told once.
  if (!broken_ && !fits(value)) broken_ = broken_seal{value, covered_, at};
}

std::optional<line_place> seal_check::first_uncovered() const {
  for (auto line = covered_; line < lines_.size(); ++line)
    if (lines_[line].mac) return lines_[line].at;
  return {};
}

bool seal_check::may_hide_seal() const {
  return std::any_of(lines_.begin() + static_cast<std::ptrdiff_t>(covered_), lines_.end(),
                     is_unknown);
}

std::optional<chain> seal_check::hidden_cover() const {
  const auto hidden = std::find_if(lines_.begin(), lines_.end(), is_unknown);
  if (hidden == lines_.end() || std::find_if(hidden + 1, lines_.end(), is_unknown) != lines_.end())
    return {};
  chain covered(segment_, std::string(no_seal));
  for (auto line = lines_.begin(); line != hidden; ++line) covered.add(*line->mac);
  return covered;
}

std::vector<finding> seal_check::findings() const {
  if (!broken_) return {};
  const auto tags = tags_of(broken_->value);
  const bool has_tags = tags.size() == broken_->value.lines;
  auto gaps = has_tags ? find_gaps(tags, std::span(lines_).first(broken_->covers))
                       : std::vector<seal_gap>{};
  if (gaps.empty())
    return {{breach::changed_line, segment_, 0, 0,
             std::string(has_tags ? "the lines were changed in a way that keeps their tags"
                                  : "the lines are not those that were sealed") +
                 ": the seal does not fit, but can't tell which line it is"}};
  return explanation(segment_, tags, lines_, broken_->covers, broken_->at, std::move(gaps)).run();
}

/// With lines that can't be read the seal can't be computed: then the tags must do.
bool seal_check::fits(const seal& value) {
  if (has_unknown_)
    return value.tags.size() < value.lines || find_gaps(tags_of(value), lines_).empty();
  if (!sum_ || sum_previous_ != value.previous) {
    sum_.emplace(segment_, value.previous);
    sum_previous_ = value.previous;
  }
  for (auto line = sum_->lines(); line < lines_.size(); ++line) sum_->add(*lines_[line].mac);
  return sum_->seal_now(format_).value == value.value;
}

std::vector<std::uint16_t> seal_check::tags_of(const seal& value) const {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::vector<std::uint16_t> tags;
  tags.reserve(value.lines);
  for (std::size_t at = 0; at + 4 <= value.tags.size(); at += 4) {
    int tag = 0;
    for (char c : value.tags.substr(at, 4)) tag = tag << 4 | digit(c);
    tags.push_back(static_cast<std::uint16_t>(tag));
  }
  return tags;
}

}  // namespace nexus::wal
