#include "actors/keyed_window.hpp"

#include <algorithm>
#include <vector>

namespace nexus::actors {

const std::string& keyed_window::key_of(const core::entry& value) const noexcept {
  return by_ == ordering::source ? value.source : value.subject;
}

keyed_window::named_lane& keyed_window::lane_of(const travelling& lent) {
  return *lanes_.find(key_of(*lent.entry));
}

bool keyed_window::has_ready(std::size_t count) const noexcept {
  std::size_t found = 0;
  for (const auto& [at, which] : ready_) {
    found += in_order_ ? which->second.waiting.size() : 1;
    if (found >= count) return true;
  }
  return false;
}

void keyed_window::add(wal::pending_entry entry) {
  auto& which = *lanes_.try_emplace(key_of(*entry.entry)).first;
  auto& lane = which.second;
  if (lane.missing_from || lane.left) return;
  const auto at = entry.at;
  const bool idle = lane.waiting.empty() && lane.lent == 0;
  lane.waiting.emplace(at, take_in(std::move(entry)));
  if (idle) ready_.emplace(std::pair{false, at}, &which);
}

std::vector<travelling> keyed_window::lend(std::size_t entries_max, std::size_t bytes_max) {
  std::vector<travelling> lent;
  std::size_t bytes = 0;
  while (!ready_.empty() && lent.size() < entries_max) {
    auto& lane = ready_.begin()->second->second;
    const std::size_t before = lent.size();
    bool full = false;
    do {
      auto& next = lane.waiting.begin()->second;
      const bool alone = next.alone;
      full = !lent.empty() && (alone || bytes + next.bytes > bytes_max);
      if (full) break;
      bytes += next.bytes;
      lent.push_back(std::move(next));
      lane.waiting.erase(lane.waiting.begin());
      full = alone || lent.size() >= entries_max;
    } while (!full && in_order_ && !lane.waiting.empty());
    if (lent.size() == before) break;
    lane.lent = lent.size() - before;
    ready_.erase(ready_.begin());
    if (full) break;
  }
  return lent;
}

void keyed_window::returned(named_lane& which) {
  if (--which.second.lent == 0) settle(which);
}

void keyed_window::settle(named_lane& which) {
  auto& lane = which.second;
  if (lane.left) return clear(which);
  if (lane.waiting.empty()) {
    lane.due.reset();
    if (!lane.missing_from) lanes_.erase(lanes_.find(which.first));
    return;
  }
  const auto first = lane.waiting.begin()->first;
  if (lane.due) {
    delayed_.emplace(std::pair{*lane.due, first}, &which);
  } else {
    ready_.emplace(std::pair{lane.waiting.begin()->second.breakdowns > 0, first}, &which);
  }
}

void keyed_window::clear(named_lane& which) {
  auto& lane = which.second;
  for (const auto& [at, one] : lane.waiting) forget(one);
  lane.waiting.clear();
  lane.missing_from.reset();
  gaps_.erase(which.first);
}

void keyed_window::put_back(std::vector<travelling> lent) {
  for (auto& one : lent) {
    auto& which = lane_of(one);
    const auto at = one.at;
    which.second.waiting.emplace(at, std::move(one));
    returned(which);
  }
}

void keyed_window::delay(travelling lent, time_point due) {
  auto& which = lane_of(lent);
  auto& lane = which.second;
  lane.due = std::max(lane.due.value_or(due), due);
  const auto at = lent.at;
  lane.waiting.emplace(at, std::move(lent));
  returned(which);
}

void keyed_window::release(const travelling& lent) {
  forget(lent);
  returned(lane_of(lent));
}

void keyed_window::wake(time_point now) {
  while (!delayed_.empty() && delayed_.begin()->first.first <= now) {
    auto& which = *delayed_.begin()->second;
    delayed_.erase(delayed_.begin());
    which.second.due.reset();
    settle(which);
  }
}

void keyed_window::leave(const travelling& lent) {
  lane_of(lent).second.left = true;
  release(lent);
}

void keyed_window::leave_delayed() {
  for (auto& [when, which] : std::exchange(delayed_, {})) {
    which->second.left = true;
    clear(*which);
  }
}

std::optional<window::time_point> keyed_window::next_due() const {
  if (delayed_.empty()) return {};
  return delayed_.begin()->first.first;
}

bool keyed_window::make_room() {
  bool made = false;
  for (auto& [when, which] : delayed_) {
    auto& lane = which->second;
    if (lane.waiting.size() <= kept_entries) continue;
    auto first = std::next(lane.waiting.begin(), kept_entries);
    // What is forgotten stands before whatever was forgotten earlier.
    lane.missing_from = first->first;
    gaps_.insert_or_assign(which->first, which);
    for (auto it = first; it != lane.waiting.end(); ++it) forget(it->second);
    lane.waiting.erase(first, lane.waiting.end());
    made = true;
  }
  return made;
}

std::optional<window::missing> keyed_window::gap() const {
  for (const auto& [key, which] : gaps_) {
    const auto& lane = which->second;
    if (lane.waiting.empty() && lane.lent == 0) return missing{key, *lane.missing_from};
  }
  return {};
}

void keyed_window::refill(const std::string& key, const std::vector<wal::pending_entry>& read,
                          wal::position next, wal::position seen) {
  auto& which = *lanes_.find(key);
  auto& lane = which.second;
  for (const auto& one : read) {
    if (one.at >= seen || key_of(*one.entry) != key) continue;
    lane.waiting.emplace(one.at, take_in(one));
  }
  lane.missing_from = next;
  if (next >= seen) {
    lane.missing_from.reset();
    gaps_.erase(key);
  }
  settle(which);
}

}  // namespace nexus::actors
