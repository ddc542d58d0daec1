// What entries cost in memory.
#pragma once

#include <cstddef>
#include <span>

#include "core/entry.hpp"

namespace nexus::actors {

/// Bytes that an entry holds in memory, for the limits of windows, batches and admission.
inline std::size_t weight(const core::entry& value) noexcept {
  return sizeof(core::entry) + value.payload_id.size() + value.idempotency_key.size() +
         value.timestamp.size() + value.source.size() + value.destination.size() +
         value.subject.size() + value.actor_type.size() + value.actor_id.size() +
         value.payload.size() + value.extension.size();
}

/// Of all of them.
inline std::size_t weight(std::span<const core::entry_ptr> entries) noexcept {
  std::size_t bytes = 0;
  for (const auto& one : entries) bytes += weight(*one);
  return bytes;
}

}  // namespace nexus::actors
