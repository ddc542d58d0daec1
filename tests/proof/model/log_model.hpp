// What a log is to those who use it, in as few lines as that takes.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace nexus::test {

class log_model {
 public:
  struct item {
    std::string id, source, destination, key;
    bool follows = false;  ///< it counts as one with an earlier entry of the same key
    bool shares_key(const item& other) const {
      return !key.empty() && key == other.key && source == other.source &&
             destination == other.destination;
    }
  };

  void append(item next) {
    next.follows = waits(next);
    pending_.push_back(std::move(next));
  }

  bool waits(const item& like) const {
    return std::any_of(pending_.begin(), pending_.end(),
                       [&](const item& one) { return one.shares_key(like); });
  }

  /// Whether there is an entry of that name, pending or dead, that differs in its source, or where
  /// either has a key. A log is not given these: a crash may bring back one that follows and has
  /// namesakes, and settling may swap the places of two namesakes.
  bool has_other_namesake(const item& next) const {
    const auto is_one = [&](const item& one) {
      return one.id == next.id && one.destination == next.destination &&
             (one.source != next.source || !one.key.empty() || !next.key.empty());
    };
    return std::any_of(pending_.begin(), pending_.end(), is_one) ||
           std::any_of(dead_.begin(), dead_.end(), is_one);
  }

  /// Whether two entries of that payload id wait for one destination. A log is not told that such
  /// have failed: of two dead letters of one name and one moment it may take one for the copy of
  /// the other.
  bool has_twins(const std::string& id) const {
    std::set<std::string> destinations;
    return std::any_of(pending_.begin(), pending_.end(), [&](const item& one) {
      return one.id == id && !destinations.insert(one.destination).second;
    });
  }

  /// All entries of that name leave, and those that follow them; an empty destination means each.
  bool mark(const std::string& id, const std::string& destination, bool failed) {
    const auto is_named = [&](const item& one) {
      return one.id == id && (destination.empty() || one.destination == destination);
    };
    bool any = false;
    for (auto at = pending_.begin();
         (at = std::find_if(pending_.begin(), pending_.end(), is_named)) != pending_.end();) {
      const auto leader = *at;
      std::vector<item> leaving{leader};
      pending_.erase(at);
      std::erase_if(pending_, [&](const item& one) {
        const bool leaves = !leader.follows && one.follows && one.shares_key(leader);
        if (leaves) leaving.push_back(one);
        return leaves;
      });
      if (failed) dead_.insert(dead_.end(), leaving.begin(), leaving.end());
      any = true;
    }
    return any;
  }

  /// All dead letters wait again, in that order, each for itself.
  void redrive(std::vector<item> in_order) {
    dead_.clear();
    for (auto& one : in_order) one.key.clear(), append(std::move(one));
  }
  void purge() { dead_.clear(); }

  const std::vector<item>& pending() const { return pending_; }
  const std::vector<item>& dead() const { return dead_; }

 private:
  std::vector<item> pending_, dead_;
};

}  // namespace nexus::test
