#include "actors/window.hpp"

#include <iterator>
#include <utility>

#include "actors/weight.hpp"

namespace nexus::actors {

void window::add(core::entry_ptr entry) {
  const std::size_t bytes = weight(*entry);
  ready_.push_back({std::move(entry), bytes, 0});
  ++entries_;
  bytes_ += bytes;
}

std::vector<travelling> window::lend(std::size_t entries_max, std::size_t bytes_max) {
  std::vector<travelling> lent;
  std::size_t bytes = 0;
  while (!ready_.empty() && lent.size() < entries_max) {
    bytes += ready_.front().bytes;
    if (!lent.empty() && bytes > bytes_max) break;
    lent.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  return lent;
}

void window::put_back(std::vector<travelling> lent) {
  ready_.insert(ready_.begin(), std::make_move_iterator(lent.begin()),
                std::make_move_iterator(lent.end()));
}

void window::delay(travelling lent, time_point due) {
  delayed_.emplace(due, std::move(lent));
}

void window::release(const travelling& lent) {
  --entries_;
  bytes_ -= lent.bytes;
}

void window::wake(time_point now) {
  const auto end = delayed_.upper_bound(now);
  std::vector<travelling> due;
  for (auto it = delayed_.begin(); it != end; ++it) due.push_back(std::move(it->second));
  delayed_.erase(delayed_.begin(), end);
  put_back(std::move(due));
}

void window::release_delayed() {
  for (const auto& [due, one] : delayed_) release(one);
  delayed_.clear();
}

std::optional<window::time_point> window::next_due() const {
  if (delayed_.empty()) return {};
  return delayed_.begin()->first;
}

}  // namespace nexus::actors
