#include "actors/inbox.hpp"

#include <utility>

#include "actors/weight.hpp"

namespace nexus::actors {

bool inbox::push(const submission_ptr& value) {
  const std::size_t bytes = weight(value->entries());
  std::unique_lock lock(mutex_);
  if (is_closed_) return false;
  bytes_ += bytes;
  waiting_.push_back({value, bytes});
  const bool has_to_call = !std::exchange(is_called_, true);
  const bool ends_wait = is_awaited_ && is_enough();
  lock.unlock();
  if (ends_wait) enough_.notify_one();
  return has_to_call;
}

bool inbox::call() {
  std::lock_guard lock(mutex_);
  return !std::exchange(is_called_, true);
}

std::vector<submission_ptr> inbox::take(std::size_t bytes_max) {
  std::vector<submission_ptr> taken;
  std::lock_guard lock(mutex_);
  is_called_ = false;
  taken.reserve(waiting_.size());
  for (std::size_t bytes = 0; !waiting_.empty(); waiting_.pop_front()) {
    auto& [what, weight] = waiting_.front();
    if (!taken.empty() && bytes + weight > bytes_max) break;
    bytes += weight;
    bytes_ -= weight;
    taken.push_back(std::move(what));
  }
  return taken;
}

std::size_t inbox::size() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

void inbox::await(std::size_t count, std::size_t bytes, clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) return;
  wanted_ = count;
  wanted_bytes_ = bytes;
  is_awaited_ = true;
  enough_.wait_until(lock, until, [this] { return is_enough(); });
  is_awaited_ = false;
}

void inbox::close() {
  std::deque<item> left;  // outside of the lock: letting go answers
  std::lock_guard lock(mutex_);
  is_closed_ = true;
  left.swap(waiting_);
  bytes_ = 0;
}

}  // namespace nexus::actors
