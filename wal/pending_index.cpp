#include "wal/pending_index.hpp"

#include <algorithm>

namespace nexus::wal {

pending_index::pending_index()
    : ids_(0, by_id{this}, by_id{this}), keys_(0, by_key{this}, by_key{this}) {}

pending_index::position pending_index::add(const entry_name& name, const name_hashes& hashes,
                                           location where, std::uint32_t seconds,
                                           const std::function<bool(location)>& same_key) {
  auto place = grow();
  auto id = hashes.id;
  if (auto nth = count_of_name(name.payload_id, name.destination, id); nth > 0) {
    at(*find(id)).has_namesakes = true;
    id = hash_id(name.payload_id, name.destination, nth);
  }

  auto& holder = *chunks_[(place - begin_) / chunk_records];
  auto& slot = holder.records[(place - begin_) % chunk_records];
  slot = {id,      hashes.key,               where.offset,   where.segment, where.length,
          seconds, intern(name.destination), state::waiting, false};
  ++holder.live;
  ++destination_live_[slot.destination];
  ids_.insert(refer(place, slot.id));
  if (slot.key != 0) {
    if (auto known = keys_.find(slot.key); known == keys_.end())
      keys_.insert(refer(place, slot.key));
    else
      follow(slot, place, position_of(known->slot), name.payload_id, same_key);
  }
  if (slot.is == state::waiting) begin_waiting(slot);
  return place;
}

void pending_index::follow(record& slot, position place, position leader,
                           std::string_view payload_id,
                           const std::function<bool(location)>& same_key) {
  const auto& first = at(leader);
  if (!same_key({first.segment, first.length, first.offset})) return;
  slot.is = state::following;
  followers_.emplace(place, follower{leader, std::string(payload_id)});
}

void pending_index::begin_waiting(const record& slot) {
  // Written by one thread at a time.
  waiting_.store(size() + 1, std::memory_order_relaxed);
  bytes_.store(bytes() + line_bytes(slot.length), std::memory_order_relaxed);
}

void pending_index::end_waiting(const record& slot) {
  waiting_.store(size() - 1, std::memory_order_relaxed);
  bytes_.store(bytes() - line_bytes(slot.length), std::memory_order_relaxed);
}

pending_index::position pending_index::grow() {
  if (end_ - begin_ == chunks_.size() * chunk_records) {
    if (!chunks_.empty() && chunks_.back() && chunks_.back()->live == 0) chunks_.back().reset();
    trim();
    chunks_.push_back(std::make_unique<chunk>());
  }
  return end_++;
}

void pending_index::trim() {
  while (!chunks_.empty() && !chunks_.front()) {
    chunks_.pop_front();
    begin_ += chunk_records;
  }
}

removed_entries pending_index::remove(std::string_view payload_id, std::string_view destination) {
  removed_entries out;
  auto remove_from = [&](std::string_view name) {
    const auto first = hash_id(payload_id, name);
    auto place = find(first);
    for (std::uint32_t nth = 1; place; ++nth) {
      auto& slot = at(*place);
      out.push_back({{slot.segment, slot.length, slot.offset}, first, {}});
      auto leads = slot.is == state::waiting;
      auto last = nth == 1 && !slot.has_namesakes;
      erase(*place);
      if (leads && !followers_.empty()) remove_followers(*place, out);
      if (last) return;
      place = find(hash_id(payload_id, name, nth));
    }
  };
  if (!destination.empty()) {
    remove_from(destination);
  } else {
    for (const auto& name : destination_names_) remove_from(name);
  }
  return out;
}

void pending_index::remove_followers(position leader, removed_entries& out) {
  std::vector<std::pair<position, std::string>> leaving;
  for (const auto& [place, is] : followers_)
    if (is.leader == leader) leaving.emplace_back(place, is.payload_id);
  for (auto& [place, id] : leaving) {
    auto& slot = at(place);
    auto hash = hash_id(id, destination_names_[slot.destination]);
    out.push_back({{slot.segment, slot.length, slot.offset}, hash, id});
    erase_of_name(place, id, destination_names_[slot.destination]);
  }
}

std::uint32_t pending_index::count_of_name(std::string_view payload_id,
                                           std::string_view destination,
                                           const id_hash& first) const {
  if (!ids_.contains(first)) return 0;
  auto there = [&](std::uint32_t nth) { return find(hash_id(payload_id, destination, nth)); };
  std::uint32_t known = 1,
                bound = 2;  // all below `known` are there, and at last none at `bound` - 1
  while (there(bound - 1)) known = bound, bound *= 2;
  while (known + 1 < bound) {
    auto middle = known + (bound - known) / 2;
    (there(middle - 1) ? known : bound) = middle;
  }
  return known;
}

void pending_index::erase_of_name(position where, std::string_view payload_id,
                                  std::string_view destination) {
  // None in order: the first of them is leaving too, and the others follow.
  auto count = count_of_name(payload_id, destination, hash_id(payload_id, destination));
  auto last = count == 0 ? where : *find(hash_id(payload_id, destination, count - 1));
  auto number = at(where).id;
  erase(where);
  if (last == where) return;
  auto& slot = at(last);  // takes over the number that has become free
  ids_.erase(refer(last, slot.id));
  slot.id = number;
  slot.has_namesakes = true;
  ids_.insert(refer(last, slot.id));
}

void pending_index::withhold(position where) {
  auto held = where >= begin_ && where < end_ && chunks_[(where - begin_) / chunk_records];
  if (!held || at(where).is != state::waiting) return;
  at(where).is = state::withheld;
  end_waiting(at(where));
}

void pending_index::erase(position where) {
  auto& slot = at(where);
  ids_.erase(refer(where, slot.id));
  if (slot.is == state::following) {
    followers_.erase(where);
  } else if (slot.key != 0) {
    auto known = keys_.find(slot.key);
    if (known != keys_.end() && position_of(known->slot) == where) keys_.erase(known);
  }
  if (slot.is == state::waiting) end_waiting(slot);
  slot.is = state::gone;
  --destination_live_[slot.destination];
  auto& holder = chunks_[(where - begin_) / chunk_records];
  if (--holder->live > 0 || (where - begin_) / chunk_records == chunks_.size() - 1) return;
  holder.reset();
  trim();
}

bool pending_index::contains(std::string_view payload_id, std::string_view destination,
                             location where) const {
  return find_at(payload_id, destination, where).has_value();
}

bool pending_index::relocate(std::string_view payload_id, std::string_view destination,
                             location from, location to) {
  auto place = find_at(payload_id, destination, from);
  if (!place) return false;
  auto& slot = at(*place);
  slot.segment = to.segment;
  slot.offset = to.offset;
  if (slot.is == state::waiting)
    bytes_.store(bytes() - slot.length + to.length, std::memory_order_relaxed);
  slot.length = to.length;
  return true;
}

std::optional<pending_index::found> pending_index::next(
    position from, std::optional<std::string_view> destination) const {
  std::optional<std::uint16_t> only;
  if (destination) {
    only = interned(*destination);
    if (!only || destination_live_[*only] == 0) return {};
  }
  for (auto place = std::max(from, begin_); place < end_;) {
    const auto& holder = chunks_[(place - begin_) / chunk_records];
    if (!holder || holder->live == 0) {
      place = begin_ + ((place - begin_) / chunk_records + 1) * chunk_records;
      continue;
    }
    const auto& slot = holder->records[(place - begin_) % chunk_records];
    if (slot.is == state::waiting && (!only || slot.destination == *only))
      return found{place, {slot.segment, slot.length, slot.offset}};
    ++place;
  }
  return {};
}

std::optional<std::uint32_t> pending_index::oldest_seconds() const {
  auto first = next(0, {});
  if (!first) return {};
  return at(first->at).seconds;
}

std::vector<std::string> pending_index::destinations() const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < destination_names_.size(); ++i)
    if (destination_live_[i] > 0) names.push_back(destination_names_[i]);
  return names;
}

std::vector<pending_index::backlog> pending_index::backlogs() const {
  std::vector<backlog> all;
  for (std::size_t i = 0; i < destination_names_.size(); ++i) {
    if (destination_live_[i] == 0) continue;
    // From where the last look ended: many looks together step over each entry once.
    const auto first = next(destination_first_[i], destination_names_[i]);
    if (!first) continue;
    destination_first_[i] = first->at;
    all.push_back({destination_names_[i], destination_live_[i], at(first->at).seconds});
  }
  return all;
}

id_hash pending_index::hash_id(std::string_view payload_id, std::string_view destination,
                               std::uint32_t nth) const {
  return hash_({payload_id, destination, {reinterpret_cast<const char*>(&nth), sizeof(nth)}});
}

std::uint64_t pending_index::hash_key(const entry_name& name) const {
  if (name.idempotency_key.empty()) return 0;
  auto key = hash_({name.source, name.destination, name.idempotency_key});
  return std::max<std::uint64_t>(key[0], 1);
}

std::uint16_t pending_index::intern(std::string_view destination) {
  if (auto known = interned(destination)) return *known;
  destination_names_.emplace_back(destination);
  destination_live_.push_back(0);
  destination_first_.push_back(0);
  return static_cast<std::uint16_t>(destination_names_.size() - 1);
}

std::optional<std::uint16_t> pending_index::interned(std::string_view destination) const {
  auto known = std::find(destination_names_.begin(), destination_names_.end(), destination);
  if (known == destination_names_.end()) return {};
  return static_cast<std::uint16_t>(known - destination_names_.begin());
}

std::optional<pending_index::position> pending_index::find(const id_hash& id) const {
  auto known = ids_.find(id);
  if (known == ids_.end()) return {};
  return position_of(known->slot);
}

std::optional<pending_index::position> pending_index::find_at(std::string_view payload_id,
                                                              std::string_view destination,
                                                              location where) const {
  for (std::uint32_t nth = 0;; ++nth) {
    auto place = find(hash_id(payload_id, destination, nth));
    if (!place) return {};
    const auto& slot = at(*place);
    if (slot.segment == where.segment && slot.offset == where.offset) return place;
  }
}

pending_index::position pending_index::position_of(std::uint32_t slot) const {
  return begin_ + static_cast<std::uint32_t>(slot - static_cast<std::uint32_t>(begin_));
}

pending_index::record& pending_index::at(position where) {
  return chunks_[(where - begin_) / chunk_records]->records[(where - begin_) % chunk_records];
}

const pending_index::record& pending_index::at(position where) const {
  return chunks_[(where - begin_) / chunk_records]->records[(where - begin_) % chunk_records];
}

}  // namespace nexus::wal
