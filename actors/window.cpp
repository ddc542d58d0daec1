#include "actors/window.hpp"

#include <deque>
#include <iterator>
#include <map>
#include <utility>

#include "actors/keyed_window.hpp"
#include "actors/weight.hpp"

namespace nexus::actors {
namespace {

/// Any order will do: an entry that waits holds up no other.
class free_window final : public window {
 public:
  bool has_ready() const noexcept override { return !ready_.empty(); }
  bool has_ready(std::size_t count) const noexcept override { return ready_.size() >= count; }

  void add(wal::pending_entry entry) override { ready_.push_back(take_in(std::move(entry))); }

  std::vector<travelling> lend(std::size_t entries_max, std::size_t bytes_max) override {
    std::vector<travelling> lent;
    std::size_t bytes = 0;
    while (!ready_.empty() && lent.size() < entries_max) {
      const auto& next = ready_.front();
      bytes += next.bytes;
      const bool alone = next.alone;
      if (!lent.empty() && (bytes > bytes_max || alone)) break;
      lent.push_back(std::move(ready_.front()));
      ready_.pop_front();
      if (alone) break;
    }
    return lent;
  }

  void put_back(std::vector<travelling> lent) override {
    ready_.insert(ready_.begin(), std::make_move_iterator(lent.begin()),
                  std::make_move_iterator(lent.end()));
  }

  void delay(travelling lent, time_point due) override { delayed_.emplace(due, std::move(lent)); }

  void release(const travelling& lent) override { forget(lent); }

  void wake(time_point now) override {
    const auto end = delayed_.upper_bound(now);
    std::vector<travelling> due;
    for (auto it = delayed_.begin(); it != end; ++it) {
      auto& one = it->second;
      // What has broken the destination down goes last: the others may get through before.
      one.breakdowns > 0 ? ready_.push_back(std::move(one)) : due.push_back(std::move(one));
    }
    delayed_.erase(delayed_.begin(), end);
    put_back(std::move(due));
  }

  void leave(const travelling& lent) override { forget(lent); }

  void leave_delayed() override {
    for (const auto& [due, one] : delayed_) forget(one);
    delayed_.clear();
  }

  std::optional<time_point> next_due() const override {
    if (delayed_.empty()) return {};
    return delayed_.begin()->first;
  }

 private:
  std::deque<travelling> ready_;
  std::multimap<time_point, travelling> delayed_;
};

}  // namespace

travelling window::take_in(wal::pending_entry entry) {
  const std::size_t bytes = weight(*entry.entry);
  ++entries_;
  bytes_ += bytes;
  return {std::move(entry.entry), entry.at, bytes};
}

void window::forget(const travelling& one) noexcept {
  --entries_;
  bytes_ -= one.bytes;
}

std::unique_ptr<window> make_window(ordering keep, bool in_order) {
  if (keep == ordering::none) return std::make_unique<free_window>();
  return std::make_unique<keyed_window>(keep, in_order);
}

}  // namespace nexus::actors
