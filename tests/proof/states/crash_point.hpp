// What a power cut at one moment may leave of a disk.
//
// Durable is what was synced: a file's bytes by a sync of it, names by a sync of their directory.
// Of what was not, a crash leaves any of these, for each file and each directory on its own:
// - a file: the first n of its changes, for every n; the next one, where it is a write, torn at
//   each multiple of sector_bytes, the file ending there, or with zeros in place of the rest; and
//   all changes but for one sector of what was written (it was written back late), or but for one
//   whole write of several;
// - a directory: the first n of its creations, renames and removals, for every n.
//
// Of a write over many sectors only the first few and the last few are torn, missing, or zeros
// (sectors_tried_max).
//
// Left out: two or more sectors that are missing in the middle, parts of a sector, garbage in
// place of zeros, a directory whose changes come out of order.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/proof/states/recording_files.hpp"

namespace nexus::test {

inline constexpr std::uint64_t sector_bytes = 512;
inline constexpr std::size_t sectors_tried_max = 6;

/// A state that a cut may leave.
struct crash_state {
  disk_image image;
  std::uint64_t hash = 0;     ///< the same for equal images
  bool out_of_order = false;  ///< what was written to a file later is there, and not all before it
};

class crash_point {
 public:
  explicit crash_point(const disk_image& start);

  /// Goes on behind the next change of the record, which must outlive this.
  void advance(const change& next);

  /// How many states a cut here may leave; some may be equal.
  std::uint64_t states() const;
  /// How many sectors of writes that are not synced are tried nowhere.
  std::uint64_t sectors_left_out() const;
  /// Hands over each of them, or `most` drawn by `random` where there are more.
  void visit(std::uint64_t most, std::mt19937_64& random,
             const std::function<void(const crash_state&)>& fn) const;

  /// One that is drawn: of each file and each directory a random number of changes, and of each
  /// sector that was not synced whether it is there.
  disk_image draw(std::mt19937_64& random) const;
  /// Nothing but what was synced.
  disk_image durable() const;

 private:
  using names = std::map<std::string, std::uint64_t>;
  struct variant {
    std::shared_ptr<const content> holds;
    std::uint64_t hash = 0;
    bool out_of_order = false;
  };
  struct file_state {
    std::shared_ptr<content> durable = std::make_shared<content>();
    std::vector<const change*> unsynced;
    /// What a crash may leave of it; worked out when it is asked for.
    mutable std::vector<variant> variants;
  };

  const std::vector<variant>& variants_of(std::uint64_t file) const;
  static std::vector<variant> work_out(const file_state& of);
  /// The names that may be there: one map for each combination of the directories.
  std::vector<names> name_variants() const;
  std::vector<std::size_t> odometer_of(const names& there) const;

  std::map<std::uint64_t, file_state> files_;
  names names_;
  std::map<std::string, std::vector<const change*>> directories_;
};

}  // namespace nexus::test
