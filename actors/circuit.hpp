// Whether a destination may be asked at the moment.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/pipeline.hpp"
#include "destinations/retry.hpp"

namespace nexus::actors {

/// A circuit breaker. Closed: batches flow. After a batch that could not be delivered because of
/// the destination itself it is open until `resume`; then one probe batch may go, whose fate
/// decides. Pure: no clock, no timers.
class circuit {
 public:
  /// running: closed; waiting: open, nobody answers; paused: open, its configuration is wrong.
  using phase = destination_status::phase;

  circuit(destinations::retry_policy backoff, std::chrono::milliseconds paused_delay)
      : backoff_(backoff), paused_delay_(paused_delay) {}

  phase state() const noexcept { return state_; }
  /// Whether a batch may go now.
  bool lets_through() const noexcept { return state_ == phase::running || probe_ == probe::due; }

  /// A batch has gone.
  void sent(std::uint64_t batch);
  /// A batch came back because of the destination: how long until `resume` must be called; nothing
  /// if that is arranged already. `why`: waiting or paused. `asked`: what the destination asked
  /// for. `progress`: part of the batch was taken. `random`: uniform in [0, 1).
  std::optional<std::chrono::milliseconds> failed(std::uint64_t batch, phase why,
                                                  std::chrono::milliseconds asked, bool progress,
                                                  double random);
  /// A batch was answered. True if that closed the circuit.
  bool answered();
  /// A batch will never be reported, as its worker died.
  void lost(std::uint64_t batch);
  /// The delay is over.
  void resume();

 private:
  enum class probe : std::uint8_t { not_yet, due, sent };

  destinations::retry_policy backoff_;
  std::chrono::milliseconds paused_delay_;
  phase state_ = phase::running;
  probe probe_ = probe::not_yet;
  std::uint64_t probe_batch_ = 0;
  std::uint32_t failures_ = 0;  ///< in a row
};

}  // namespace nexus::actors
