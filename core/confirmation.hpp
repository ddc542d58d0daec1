// How somebody who hands in an entry for several destinations hears what became of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace nexus::core {

enum class delivery_state : std::uint8_t {
  pending,    ///< durable, not delivered yet
  delivered,  ///< the destination has it
  failed,     ///< it never will: a dead letter
};

/// By destination.
using delivery_report = std::map<std::string, delivery_state>;

/// Wanted by somebody who waits for the delivery as well.
struct confirmation {
  /// How long to wait after the entry is durable; late by up to a quarter of a second.
  std::chrono::milliseconds timeout;
  /// Called once, on any thread, must not block: when no destination is left `pending`, or when the
  /// time is over, or when the pipeline stops. Never called for what was not made durable.
  std::function<void(const delivery_report&)> done;
};

}  // namespace nexus::core
