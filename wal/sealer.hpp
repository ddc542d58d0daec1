// Keeps the chain of seals going while the log is written (mode mac; otherwise it does nothing).
// chain.hpp says what a seal is.
//
// Belongs to one thread at a time: the log's writer token.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/chain.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"
#include "wal/recovery.hpp"

namespace nexus::wal {

class sealer {
 public:
  /// `how` and `format` must outlive it.
  sealer(const options& how, const line_format& format) : how_(how), format_(format) {}

  /// Takes the chain up where the directory has left it. Segments that ought to have a seal and
  /// have none get one, by `owed_lines`; but not those that the anchor says were sealed: somebody
  /// has removed that seal, which is reported. False if the newest segment is not what its last
  /// seal says: it must not be written to, since a new seal would cover that up. Errors are those
  /// of reading.
  core::result<bool> resume(const catalog& known, const survey& found);

  /// A new segment is written from now on.
  void begin(const std::string& segment);

  /// Entries that are durable now, in order: 32 raw bytes each.
  void add(std::string_view macs);

  /// Whether the segment has as many lines as a seal can cover.
  bool is_full() const noexcept { return chain_ && chain_->lines() >= sealed_lines_max; }

  /// The line that seals the segment as it is now; empty if its last one says the same.
  std::string seal_line();

  /// The line of the last seal_line() is durable: the anchor may know it.
  void note_sealed();

  /// Lines of seals that must go into whatever segment is written next, since their own can't be
  /// written any more.
  std::string take_owed_lines() { return std::exchange(owed_lines_, {}); }

  /// The segment that is written to can't be written to any more; `removed`: it holds nothing and
  /// is gone.
  void give_up(bool removed);

  /// A segment is about to be removed by retention: the anchor keeps its seal.
  core::result<void> note_removed(const std::string& segment);

 private:
  /// The entry lines of a segment; nothing if they are not those that `sealed` covers.
  core::result<std::optional<chain>> read_chain(const catalog& known, const segment& in,
                                                const seal* sealed) const;
  core::result<void> begin_anchor(const survey& found);
  void keep_anchor() const;
  bool lost_seal(const segment& in, const survey& found) const;
  void take_up(const segment& in, const seal* sealed, std::optional<chain> lines);
  bool lost_newest(const catalog& known) const;
  void report_difference(const segment& in, const survey& found) const;
  void report(const std::string& segment, const char* what) const;
  std::string line_of(const seal& value) const;

  const options& how_;
  const line_format& format_;
  anchor anchor_;
  std::string previous_{no_seal};
  std::optional<chain> chain_;
  std::optional<seal> last_;                   ///< made, and not known to be durable
  std::optional<std::uint64_t> sealed_lines_;  ///< by the last durable seal of the segment
  std::map<std::string, std::string> values_;  ///< of each segment that has a seal
  std::string owed_lines_;
};

}  // namespace nexus::wal
