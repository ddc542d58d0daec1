// Which destinations a pipeline shall have: whether a list of them can be used, and what becomes of
// those that there are when another list takes its place. Not for the public.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/pipeline.hpp"
#include "core/log.hpp"
#include "core/result.hpp"
#include "destinations/registry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// Error `bad_config`: limits of 0, two destinations of one name.
core::result<void> check(const std::vector<destination_options>& destinations);

/// Those without which the program does not start must take entries now. Blocks, up to their
/// timeouts, or until soon after `is_cancelled`, which is asked now and then. Errors: `bad_config`,
/// `closed` (cancelled).
core::result<void> check_required(
    const std::vector<destination_options>& destinations, const destinations::registry& types,
    const core::logger_ptr& log, const std::function<bool()>& is_cancelled = [] { return false; });

/// A log of v0.1.2 may hold entries without a destination: of a source that named none, and all of
/// that program's entries went to one database anyway. They go where the entries of such a source
/// go now, through a queue of their own: that of the first destination, without a name.
void add_heir(std::vector<destination_options>& destinations);
/// Whether such entries are pending.
bool nameless_wait(const wal::log& log);

/// From one list of destinations to another one.
struct destination_plan {
  std::vector<destination_options> next;  ///< all of them
  std::vector<std::string> added;
  std::vector<std::string> changed;  ///< must be started again
  std::vector<std::string> removed;

  /// Null if there is none in `next`.
  destination_options* find(const std::string& name);
  /// Those that are new or changed.
  std::vector<destination_options> fresh() const;
};

/// What is paused now stays so. Whoever has the nameless entries goes on having them: one of them
/// may come back from the dead letters at any time.
destination_plan plan_change(const std::vector<destination_options>& now,
                             std::vector<destination_options> next, const wal::log& log);

}  // namespace nexus::actors
