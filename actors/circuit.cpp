#include "actors/circuit.hpp"

#include <algorithm>
#include <utility>

namespace nexus::actors {

void circuit::sent(std::uint64_t batch) {
  if (state_ == phase::running) return;
  probe_ = probe::sent;
  probe_batch_ = batch;
}

std::optional<std::chrono::milliseconds> circuit::failed(std::uint64_t batch, phase why,
                                                         std::chrono::milliseconds asked,
                                                         bool progress, double random) {
  // Batches that went before the circuit opened say nothing new.
  if (state_ != phase::running && !(probe_ == probe::sent && probe_batch_ == batch)) return {};
  if (progress) failures_ = 0;
  ++failures_;
  state_ = why;
  probe_ = probe::not_yet;
  const auto chosen = why == phase::misconfigured
                          ? paused_delay_
                          : destinations::next_delay(backoff_, failures_, random);
  return std::max(chosen, asked);
}

bool circuit::answered() {
  failures_ = 0;
  probe_ = probe::not_yet;
  return std::exchange(state_, phase::running) != phase::running;
}

void circuit::lost(std::uint64_t batch) {
  if (probe_ == probe::sent && probe_batch_ == batch) probe_ = probe::due;
}

void circuit::resume() {
  if (state_ != phase::running) probe_ = probe::due;
}

}  // namespace nexus::actors
