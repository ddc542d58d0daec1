// A window that keeps the order of entries that have the same source or subject.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <utility>

#include "actors/window.hpp"

namespace nexus::actors {

/// Each key is a lane. A lane is lent, or waits for the next attempt of its first entry, or is
/// ready; one that waits or is lent holds up only itself.
class keyed_window final : public window {
 public:
  /// So many entries of a waiting lane stay in memory when room is made.
  static constexpr std::size_t kept_entries = 16;

  keyed_window(ordering by, bool in_order) : by_(by), in_order_(in_order) {}

  bool has_ready() const noexcept override { return !ready_.empty(); }
  bool has_ready(std::size_t count) const noexcept override;
  void add(wal::pending_entry entry) override;
  std::vector<travelling> lend(std::size_t entries_max, std::size_t bytes_max) override;
  void put_back(std::vector<travelling> lent) override;
  void delay(travelling lent, time_point due) override;
  void release(const travelling& lent) override;
  void wake(time_point now) override;
  void leave(const travelling& lent) override;
  void leave_delayed() override;
  std::optional<time_point> next_due() const override;
  bool make_room() override;
  std::optional<missing> gap() const override;
  void refill(const std::string& key, const std::vector<wal::pending_entry>& read,
              wal::position next, wal::position seen) override;

 private:
  struct lane_state {
    std::map<wal::position, travelling> waiting;
    std::size_t lent = 0;
    std::optional<time_point> due;
    bool left = false;  ///< for the next run: nothing of it is lent any more
    /// Its entries from here on were forgotten, and those that came later were not taken in.
    std::optional<wal::position> missing_from;
  };
  using lanes = std::unordered_map<std::string, lane_state>;
  using named_lane = lanes::value_type;

  const std::string& key_of(const core::entry& value) const noexcept;
  named_lane& lane_of(const travelling& lent);
  /// A lent entry is back or gone.
  void returned(named_lane& which);
  /// Files a lane that is not lent under what it waits for, or forgets it.
  void settle(named_lane& which);
  /// Forgets all entries of a lane that is left.
  void clear(named_lane& which);

  const ordering by_;
  const bool in_order_;
  lanes lanes_;
  /// Those whose first entry has broken the destination down come last; then by that entry.
  std::map<std::pair<bool, wal::position>, named_lane*> ready_;
  std::map<std::pair<time_point, wal::position>, named_lane*> delayed_;  ///< by due and the same
  std::map<std::string, named_lane*> gaps_;                              ///< with missing_from
};

}  // namespace nexus::actors
