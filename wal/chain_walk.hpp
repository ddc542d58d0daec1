// From seal to seal: is each segment there that was sealed, and in its place? The lines inside are
// seal_check's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wal/chain.hpp"
#include "wal/seal_check.hpp"
#include "wal/verify.hpp"

namespace nexus::wal {

/// What reading one segment has shown.
struct segment_facts {
  std::string name;
  bool has_file = true;  ///< false: only a seal in another segment tells of it
  bool is_newest = false;
  std::uint64_t entries = 0;
  std::uint64_t sealed_lines = 0;       ///< by its last seal
  std::optional<std::string> seal;      ///< its last one's value
  std::string previous;                 ///< as its first seal says
  bool previous_differs = false;        ///< a later seal says something else
  bool sealed_elsewhere = false;        ///< its seal stands in a later segment
  bool may_hide_seal = false;           ///< a line that can't be read stands behind its last seal
  std::optional<chain> hidden_cover;    ///< what that line covered if it was one, where it is known
  std::optional<line_place> uncovered;  ///< the first entry behind its last seal
  line_place end;                       ///< where a next line would stand
  std::optional<finding> tail;          ///< a piece of a line at its end
};

/// What the log's anchor says.
struct anchor_facts {
  std::optional<anchor> known;  ///< nothing: missing or bad
  std::optional<finding> bad;
  bool newest_seal_found = false;  ///< that the anchor calls the newest
};

/// What is wrong between the segments. `segments` in the order of their names; those up to
/// `anchor.known->oldest` are ignored, retention has only not come to removing them.
std::vector<finding> walk_chain(const std::vector<segment_facts>& segments,
                                const anchor_facts& anchor, const line_format& format);

}  // namespace nexus::wal
