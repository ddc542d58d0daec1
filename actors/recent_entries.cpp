#include "actors/recent_entries.hpp"

#include <utility>

#include "actors/weight.hpp"

namespace nexus::actors {

void recent_entries::add(wal::position at, core::entry_ptr entry) {
  if (at != end()) {
    clear();
    begin_ = at;
  }
  const std::size_t more = weight(*entry);
  bytes_ += more;
  entries_.push_back({std::move(entry), more});
}

void recent_entries::trim() {
  while (bytes_ > bytes_max_) forget_first();
}

void recent_entries::forget_before(wal::position at) {
  while (begin_ < at && !entries_.empty()) forget_first();
}

void recent_entries::forget_first() {
  bytes_ -= entries_.front().bytes;
  entries_.pop_front();
  ++begin_;
}

void recent_entries::clear() {
  begin_ = end();
  entries_.clear();
  bytes_ = 0;
}

wal::pending_batch recent_entries::read(const fetch_request& what) const {
  wal::pending_batch out;
  std::size_t bytes = 0;
  for (out.next = what.from; out.next < end(); ++out.next) {
    const auto& [entry, more] = entries_[out.next - begin_];
    if (entry->destination != what.destination) continue;
    const bool is_full = out.entries.size() >= what.entries_max ||
                         (!out.entries.empty() && bytes + more > what.bytes_max);
    if (is_full) break;
    out.entries.push_back({out.next, entry});
    bytes += more;
  }
  return out;
}

}  // namespace nexus::actors
