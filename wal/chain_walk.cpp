#include "wal/chain_walk.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace nexus::wal {
namespace {

/// Each segment in a row whose seal can't be read may have had one, or none: twice as many seals
/// that the next one may name. Beyond this many it is told that seals are missing.
constexpr std::size_t hidden_seals_max = 1024;

class walk {
 public:
  walk(const std::vector<segment_facts>& segments, const anchor_facts& anchor,
       const line_format& format)
      : segments_(segments), anchor_(anchor), format_(format) {
    if (!anchor.known) return;
    oldest_ = anchor.known->oldest;
    newest_ = anchor.known->newest;
    expected_.insert(oldest_.segment.empty() ? std::string(no_seal) : oldest_.value);
  }

  std::vector<finding> run() {
    if (anchor_.bad) out_.push_back(*anchor_.bad);
    for (const auto& one : segments_) {
      if (one.name <= oldest_.segment) continue;
      if (one.seal)
        take_sealed(one);
      else
        take_unsealed(one);
    }
    check_newest();
    return std::move(out_);
  }

 private:
  void take_unsealed(const segment_facts& in) {
    if (in.tail && !in.is_newest) tails_.push_back(&in);
    if (in.may_hide_seal)
      take_hidden(in, expected_);
    else if (in.entries > 0 && in.name <= newest_.segment)
      miss_seal(in);
    else
      unsealed_.push_back(&in);  // being written, or left by a crash, if none after it is sealed
  }

  /// What can't be read may have been a seal. It is told already, and must not hide that lines are
  /// missing: what comes later names the seal that was there.
  void take_hidden(const segment_facts& in, const std::set<std::string>& previous) {
    hiding_ = &in;
    if (!in.hidden_cover || previous.size() > hidden_seals_max) return;
    auto covered = *in.hidden_cover;
    std::set<std::string> values;
    for (const auto& one : previous) {
      covered.follow(one);
      values.insert(covered.seal_now(format_).value);
    }
    if (in.name == newest_.segment) newest_hides_ = values.contains(newest_.value);
    expected_.merge(values);
  }

  void take_sealed(const segment_facts& in) {
    for (const auto* one : unsealed_)
      if (one->entries > 0) miss_seal(*one);
    for (const auto* one : tails_) out_.push_back(*one->tail);
    tails_.clear();
    if (!in.has_file)
      blame(breach::removed_segment, in, {},
            "its file is missing; its seal stands in a later segment");
    check_link(in);
    if (in.previous_differs)
      blame(breach::removed_segment, in, {},
            "the segment before it is another one than when it was first sealed");
    if (in.tail && !in.is_newest && !in.sealed_elsewhere) tails_.push_back(&in);
    expected_ = {*in.seal};
    hiding_ = nullptr;
    if (in.may_hide_seal) take_hidden(in, {in.previous});
    last_ = &in;
    unsealed_.clear();
  }

  void check_link(const segment_facts& in) {
    if (expected_.empty()) return;
    if (expected_.contains(in.previous)) {
      if (!hiding_ && last_ && last_->uncovered)
        blame(breach::added_line, *last_, *last_->uncovered,
              "it stands behind the seal that ends its segment");
    } else if (hiding_) {
      miss_hidden(*hiding_);
    } else if (!unsealed_.empty()) {
      miss_seal(*unsealed_.front());
    } else if (last_ && last_->uncovered) {
      blame(breach::cut_off, *last_, last_->end, "the seal at its end is missing");
    } else {
      blame(breach::removed_segment, in, {},
            last_ ? "a segment between " + last_->name +
                        " and this one is missing, or the end of that one with its seal"
                  : "the segment before this one is missing");
    }
  }

  /// The seal that the anchor calls the newest must be there, unless retention has removed it.
  void check_newest() {
    if (anchor_.newest_seal_found || newest_.segment <= oldest_.segment) return;
    const auto found =
        std::find_if(segments_.begin(), segments_.end(),
                     [&](const segment_facts& in) { return in.name == newest_.segment; });
    if (found == segments_.end()) {
      out_.push_back({breach::removed_segment, newest_.segment, 0, 0,
                      "its file is missing; the anchor tells that it was sealed"});
    } else if (found->may_hide_seal) {
      if (!newest_hides_) miss_hidden(*found);
    } else {
      if (found->seal)
        blame(breach::cut_off, *found, found->end, "its newest seal is missing");
      else
        miss_seal(*found);
    }
  }

  void miss_seal(const segment_facts& in) {
    blame(breach::missing_seal, in, {}, "it was sealed, and the seal is missing");
    expected_.clear();
  }

  void miss_hidden(const segment_facts& in) {
    blame(breach::missing_seal, in, {},
          in.hidden_cover ? "it was sealed, and the seal is missing together with lines that it "
                            "covered"
                          : "its seal can't be read, and other lines neither: whether more than "
                            "those are missing can't be told");
  }

  /// One finding of this kind a segment.
  void blame(breach what, const segment_facts& in, line_place at, std::string text) {
    if (!blamed_.insert(in.name).second) return;
    out_.push_back({what, in.name, at.line, at.offset, std::move(text)});
  }

  const std::vector<segment_facts>& segments_;
  const anchor_facts& anchor_;
  seal_mark oldest_, newest_;
  const line_format& format_;
  std::set<std::string> expected_;              ///< what the next seal may call the previous one;
                                                ///< empty: that can't be told
  const segment_facts* hiding_ = nullptr;       ///< the last one since then that may hide a seal
  bool newest_hides_ = false;                   ///< the seal that the anchor calls the newest
  const segment_facts* last_ = nullptr;         ///< the last one with a seal
  std::vector<const segment_facts*> unsealed_;  ///< since then
  std::vector<const segment_facts*> tails_;     ///< not told yet
  std::set<std::string> blamed_;
  std::vector<finding> out_;
};

}  // namespace

std::vector<finding> walk_chain(const std::vector<segment_facts>& segments,
                                const anchor_facts& anchor, const line_format& format) {
  return walk(segments, anchor, format).run();
}

}  // namespace nexus::wal
