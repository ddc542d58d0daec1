// Whether a destination may be asked at the moment.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/pipeline.hpp"

namespace nexus::actors {

/// A circuit breaker. Closed: batches flow. After so many batches in a row that could not be
/// delivered because of the destination itself it is open until `resume`; then, half-open, one
/// probe may go, whose fate decides. Pure: no clock, no timers.
class circuit {
 public:
  /// running: closed; waiting: open, nobody answers; misconfigured: open, a person must mend it.
  using phase = destination_status::phase;

  explicit circuit(const breaker_options& how) : how_(how) {}

  phase state() const noexcept { return state_; }
  destination_status::circuit breaker() const noexcept;
  /// Whether a batch may go now.
  bool lets_through() const noexcept { return state_ == phase::running || probe_ == probe::due; }
  /// Whether what goes now is a probe.
  bool probe_due() const noexcept { return state_ != phase::running && probe_ == probe::due; }

  /// A batch has gone.
  void sent(std::uint64_t batch);
  /// A batch came back because of the destination: how long until `resume` must be called; nothing
  /// if that is arranged already, or if the circuit stays closed. `why`: waiting or misconfigured.
  /// `asked`: what the destination asked for. `progress`: part of the batch was taken. `random`:
  /// uniform in [0, 1).
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

  breaker_options how_;
  phase state_ = phase::running;
  probe probe_ = probe::not_yet;
  std::uint64_t probe_batch_ = 0;
  std::uint32_t failures_ = 0;  ///< in a row
};

}  // namespace nexus::actors
