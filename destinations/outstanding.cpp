#include "destinations/outstanding.hpp"

#include <algorithm>

namespace nexus::destinations {

outstanding::outstanding(std::uint64_t first, std::size_t count, const resend_policy& policy)
    : first_(first), policy_(policy), slots_(count), open_count_(count) {
  for (slot& each : slots_) each.wait = policy_.ack_wait;
}

std::optional<std::size_t> outstanding::find(std::uint64_t token) const noexcept {
  if (token < first_ || token - first_ >= slots_.size()) return std::nullopt;
  const auto message = static_cast<std::size_t>(token - first_);
  if (!slots_[message].open) return std::nullopt;
  return message;
}

std::vector<std::size_t> outstanding::due(time_point now) const {
  std::vector<std::size_t> messages;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].open && slots_[i].due <= now) messages.push_back(i);
  }
  return messages;
}

outstanding::time_point outstanding::next_due() const noexcept {
  time_point next = time_point::max();
  for (const slot& each : slots_) {
    if (each.open) next = std::min(next, each.due);
  }
  return next;
}

void outstanding::sent(std::size_t message, time_point now) {
  slot& one = slots_.at(message);
  one.due = now + one.wait;
  one.wait = std::min(one.wait * 2, policy_.ack_wait_max);
}

void outstanding::postpone(std::size_t message, time_point now) {
  slot& one = slots_.at(message);
  one.due = now + policy_.retry_wait;
  one.wait = policy_.ack_wait;
}

void outstanding::lose_answers() noexcept {
  for (slot& each : slots_) {
    each.due = time_point::min();
    each.wait = policy_.ack_wait;
  }
}

void outstanding::settle(std::size_t message) noexcept {
  if (!slots_[message].open) return;
  slots_[message].open = false;
  --open_count_;
}

std::vector<std::size_t> outstanding::open() const {
  std::vector<std::size_t> messages;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].open) messages.push_back(i);
  }
  return messages;
}

}  // namespace nexus::destinations
