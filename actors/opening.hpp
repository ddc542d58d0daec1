// What a pipeline does with its log before it runs. Not for the public.
#pragma once

#include <vector>

#include "actors/pipeline.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "core/result.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// Counts what opening the log found, and names pending entries that nobody will deliver.
void note_opened(const wal::log& log, double seconds,
                 const std::vector<destination_options>& destinations, core::logger& logger,
                 core::metrics& metrics);

/// Hands the recent entries to `how.on_recent`, and says how many and how long it took. Errors as
/// of wal::log::recent_entries.
core::result<void> tell_recent(wal::log& from, const pipeline_options& how, core::logger& logger);

}  // namespace nexus::actors
