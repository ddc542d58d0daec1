// The payload ids that were seen last, as many as a bound allows. Internal to the destinations that
// have no unique key.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_set>

namespace nexus::destinations {

/// Not for use from two threads at once.
class recent_ids {
 public:
  explicit recent_ids(std::size_t most) : most_(most) {}

  bool contains(const std::string& id) const { return known_.contains(id); }

  /// Remembers an id, and forgets the oldest where there are too many. One that is known stays as
  /// old as it is.
  void add(const std::string& id) {
    const auto [at, is_new] = known_.insert(id);
    if (!is_new) return;
    by_age_.push_back(&*at);  // the elements of the set stay where they are
    if (by_age_.size() <= most_) return;
    known_.erase(known_.find(*by_age_.front()));
    by_age_.pop_front();
  }

  std::size_t size() const { return known_.size(); }

 private:
  const std::size_t most_;
  std::unordered_set<std::string> known_;
  std::deque<const std::string*> by_age_;
};

}  // namespace nexus::destinations
