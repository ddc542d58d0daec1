// What a queue keeps of its workers and their batches.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "actors/pipeline.hpp"
#include "actors/protocol.hpp"
#include "actors/window.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// A worker that waits for a batch.
struct asker {
  caf::typed_response_promise<work> promise;
  caf::actor_addr who;
};

/// A batch on its way.
struct lent_batch {
  std::vector<travelling> entries;  ///< empty: a question
  caf::actor_addr who;
};

/// What a report means.
struct review {
  std::vector<travelling> back;  ///< to be tried again when the destination is well
  std::uint64_t attempts = 0;
  std::vector<wal::failure> dead;
  std::uint64_t delivered = 0;
  bool well = false;  ///< the destination says that it would take entries
  std::optional<destination_status::phase> trouble;  ///< what is wrong with the destination itself
  std::chrono::milliseconds asked{0};                ///< how long it wants to be left alone
  std::string reason;                                ///< the last one that was given
};

}  // namespace nexus::actors
