// What the HTTP door needs from the house behind it, as plain functions: it knows neither actors
// nor databases.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/result.hpp"
#include "destinations/destination.hpp"

namespace nexus::ingest {

/// Told once, from any thread: success means that the entry is on disk (write and fdatasync have
/// returned).
using append_done = std::function<void(const core::result<void>&)>;

/// Told once, from any thread.
using query_done = std::function<void(core::result<destinations::query_page>)>;

/// How one destination is doing.
struct destination_state {
  std::string name;
  std::string type;
  bool healthy = true;
  std::string state;  ///< "running", "waiting" (unreachable, retrying) or "paused" (config fault)
  std::string last_error;       ///< empty: none since the last delivery
  std::uint64_t queued = 0;     ///< entries held in memory
  std::uint64_t delivered = 0;  ///< since the start
  std::uint64_t failed = 0;     ///< permanent failures since the start
};

/// What GET /api/status and GET /ready report of the pipeline.
struct pipeline_state {
  bool wal_healthy = true;
  std::string wal_error;  ///< why not
  std::string current_segment;
  std::uint64_t pending_entries = 0;
  std::uint64_t queue_depth = 0;
  double oldest_pending_seconds = 0;
  std::uint64_t crc_failures = 0;
  std::uint64_t integrity_failures = 0;
  std::uint64_t torn_lines = 0;
  std::uint64_t permanent_failures = 0;
  std::uint64_t memories_total = 0;
  bool draining = false;
  std::vector<destination_state> destinations;
};

/// All of these return at once and may be called from any thread.
struct ports {
  /// Makes an entry durable and hands it to delivery. `done` may be called before this returns.
  /// Errors: `too_large`, `wal_full`, `overloaded` (too much pending or in flight), `io_failed`,
  /// `closed`.
  std::function<void(core::entry_ptr, append_done)> append;
  /// Reads back from the store behind a destination. Error `not_found`: nothing to read from.
  std::function<void(destinations::query, query_done)> find;
  /// A recent snapshot.
  std::function<pipeline_state()> state;
  /// Starts an orderly stop of the program.
  std::function<void()> shutdown;
};

}  // namespace nexus::ingest
