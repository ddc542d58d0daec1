// Says what a directory of the log holds and what of it is damaged, from its bytes and
// docs/wal-format.md alone: it shares no code with wal/. (tests/wal/reference_reader.hpp reads by
// the rules of v0.1.2, which knows neither status lines nor encryption, sentinels or cut writes.)
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/proof/sweep/reference_line.hpp"

namespace nexus::test::sweep {

/// The files of a directory, by name.
using files = std::map<std::string, std::string>;

/// File and text.
using placed_text = std::pair<std::string, std::string>;

struct prediction {
  bool is_refused = false;  ///< a key is missing, or is another one
  std::map<line_class, std::uint64_t> damage;
  std::vector<std::string> entries;  ///< payload ids of all, in the order of the log
  std::vector<std::string> pending;  ///< of those that are handed on
  std::vector<std::string> dead;     ///< of the dead letters
  std::set<placed_text> copies;      ///< what the quarantine must hold
  std::vector<placed_text> chained;  ///< whole entries and seals: what the chain of seals is about
};

prediction predict(const files& directory, const reading_rules& rules);

}  // namespace nexus::test::sweep
