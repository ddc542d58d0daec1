// What a queue promises about each entry, in as few lines as that takes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "destinations/destination.hpp"

namespace nexus::test {

class queue_model {
 public:
  enum class place { log, queue, travelling, delivered, failed };
  using kind = destinations::outcome_kind;

  queue_model(std::size_t entries, std::uint32_t attempts_max)
      : entries_(entries), attempts_max_(attempts_max) {}

  /// What is wrong with handing these out together; empty: nothing. Those that were never handed
  /// out come in the order of the log.
  std::string hand_out(const std::vector<std::size_t>& batch) {
    for (auto i : batch) {
      auto& one = entries_.at(i);
      if (one.is == place::travelling) return "it is on its way already";
      if (one.is == place::delivered || one.is == place::failed) return "it is settled";
      if (one.is == place::log && i != next_++) return "an earlier one was passed over";
      one.is = place::travelling;
    }
    return {};
  }

  void answer(std::size_t i, kind outcome) {
    auto& one = entries_.at(i);
    if (outcome == kind::transient) ++one.attempts;
    const bool fails = outcome == kind::permanent || one.attempts == attempts_max_;
    one.is = outcome == kind::delivered ? place::delivered : fails ? place::failed : place::queue;
  }

  /// The worker has died, or its destination broke down: no attempt was made.
  void give_back(std::size_t i) { entries_.at(i).is = place::queue; }

  std::size_t count(place which) const {
    std::size_t found = 0;
    for (const auto& one : entries_) found += one.is == which ? 1 : 0;
    return found;
  }
  place where(std::size_t i) const { return entries_.at(i).is; }

 private:
  struct entry {
    place is = place::log;
    std::uint32_t attempts = 0;
  };
  std::vector<entry> entries_;
  std::size_t next_ = 0;
  const std::uint32_t attempts_max_;
};

}  // namespace nexus::test
