// Retention: deleting segments whose entries are all delivered or failed for good. Permanent
// failures move to the dead-letter file first, which only an operator's purge or redrive empties.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

class retention {
 public:
  /// `known` is guarded by `guard`; all must outlive it. `before_removal` is called with a
  /// segment's name before the segment is removed. Settling must not run at the same time.
  retention(const options& how, const line_format& format, catalog& known, std::mutex& guard,
            std::function<core::result<void>(const std::string&)> before_removal);

  /// Removes every segment whose time has come, oldest first. In mode mac nothing is removed behind
  /// a segment that stays, so that the chain of seals has no gap.
  core::result<void> run();

 private:
  /// The oldest segment behind `after` whose time has come.
  std::optional<std::uint32_t> next_due(std::uint32_t after) const;
  bool is_due(const segment& in) const;
  core::result<void> remove(std::uint32_t number);
  core::result<void> keep_dead_letters(std::uint32_t number);
  core::result<bool> ends_in_newline(std::uint64_t size) const;
  core::result<void> append_dead_letters(const std::string& lines);

  const options& how_;
  const line_format& format_;
  catalog& known_;
  std::mutex& guard_;
  std::function<core::result<void>(const std::string&)> before_removal_;
};

}  // namespace nexus::wal
