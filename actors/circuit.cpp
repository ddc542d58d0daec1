#include "actors/circuit.hpp"

#include <algorithm>
#include <utility>

#include "destinations/retry.hpp"

namespace nexus::actors {

destination_status::circuit circuit::breaker() const noexcept {
  using word = destination_status::circuit;
  if (state_ == phase::running) return word::closed;
  return probe_ == probe::not_yet ? word::open : word::half_open;
}

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
  const bool patient = why == phase::waiting && asked == std::chrono::milliseconds{0};
  if (state_ == phase::running && patient && failures_ < how_.failure_threshold) return {};
  state_ = why;
  probe_ = probe::not_yet;
  if (why == phase::misconfigured) return std::max(how_.config_fault, asked);
  const std::uint32_t waits = failures_ - std::min(failures_ - 1, how_.failure_threshold - 1);
  return std::max(destinations::next_delay({0, how_.open, how_.open_max}, waits, random), asked);
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
