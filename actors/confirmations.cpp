#include "actors/confirmations.hpp"

#include <utility>

namespace nexus::actors {

void confirmations::add(std::span<const core::entry_ptr> entries, core::confirmation wanted,
                        time_point now) {
  waiter one;
  for (const auto& entry : entries) {
    one.report[entry->destination] = core::delivery_state::pending;
  }
  if (settled_) return wanted.done(one.report);
  one.pending = one.report.size();
  one.until = now + wanted.timeout;
  one.done = std::move(wanted.done);
  waiting_.insert_or_assign(entries.front()->payload_id, std::move(one));
}

void confirmations::delivered(const std::string& destination,
                              const std::vector<std::string>& payload_ids) {
  if (empty()) return;
  for (const auto& id : payload_ids) note(destination, id, core::delivery_state::delivered);
}

void confirmations::failed(const std::string& destination,
                           const std::vector<wal::failure>& failures) {
  if (empty()) return;
  for (const auto& one : failures) {
    note(destination, one.payload_id, core::delivery_state::failed);
  }
}

void confirmations::note(const std::string& destination, const std::string& payload_id,
                         core::delivery_state state) {
  const auto found = waiting_.find(payload_id);
  if (found == waiting_.end()) return;
  auto& one = found->second;
  const auto slot = one.report.find(destination);
  if (slot == one.report.end() || slot->second != core::delivery_state::pending) return;
  slot->second = state;
  if (--one.pending > 0) return;
  const auto settled = std::move(one);
  waiting_.erase(found);
  settled.done(settled.report);
}

void confirmations::expire(time_point now) {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second.until > now) {
      ++it;
      continue;
    }
    const auto late = std::move(it->second);
    it = waiting_.erase(it);
    late.done(late.report);
  }
}

void confirmations::settle_all() {
  settled_ = true;
  for (const auto& [id, one] : std::exchange(waiting_, {})) one.done(one.report);
}

}  // namespace nexus::actors
