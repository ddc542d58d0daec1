// What a log has promised about each entry, and whether it is kept: the model that every crash
// state is held against.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace nexus::test {

/// What a caller finds out about an entry.
enum class fate {
  absent,   ///< never appended, delivered, or purged
  pending,  ///< once
  dead,     ///< a dead letter
  resent,   ///< sent once more, and still a dead letter: a redrive was under way
};

/// What a log shows to those who open it.
struct log_view {
  std::vector<std::string> pending;  ///< payload ids, oldest first
  std::vector<std::string> dead;     ///< payload ids of dead letters, oldest first
  bool operator==(const log_view&) const = default;
};

class promises {
 public:
  /// From now on the entry may be that, too.
  void begin(const std::string& id, fate next) {
    lives_[id].steps.push_back(next);
    if (next == fate::pending) order_.push_back(id);
  }
  /// All that was begun is durable.
  void keep() {
    for (auto& [id, one] : lives_) one.kept = one.steps.size() - 1;
  }
  fate last(const std::string& id) const { return lives_.at(id).steps.back(); }
  /// Payload ids whose last fate this is, in the order of their first append.
  std::vector<std::string> all(fate which) const;

  /// What is wrong with `shown` after a crash; empty: nothing. Where writes were `out_of_order` an
  /// entry may wait twice whose mark as failed is lost and whose redrive, written later, is there.
  std::string breach(const log_view& shown, bool out_of_order) const;

 private:
  /// All that an entry has been; a crash leaves it at `kept` or at anything later.
  struct life {
    std::vector<fate> steps{fate::absent};
    std::size_t kept = 0;
    bool may_be(std::size_t pending, std::size_t dead, bool out_of_order) const;
  };
  std::map<std::string, life> lives_;
  std::vector<std::string> order_;  ///< of appends; an entry that was redriven is there twice
};

}  // namespace nexus::test
