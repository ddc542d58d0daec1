// Settling, marks that are late, and the end.
#include <chrono>

#include "wal/log_state.hpp"
#include "wal/settle.hpp"

namespace nexus::wal {
namespace {

constexpr auto maintenance_interval = std::chrono::milliseconds(500);
constexpr auto maintenance_retry_interval = std::chrono::seconds(10);

/// So much appended since the last maintenance is a load that settling would get in the way of.
constexpr std::uint64_t busy_bytes = 8 << 20;

}  // namespace

core::result<void> log::impl::settle_all(const std::function<bool(const segment&)>& wanted,
                                         const std::function<std::uint64_t()>& may_wait) {
  struct candidate {
    std::uint32_t number;
    std::uint64_t bytes;
  };
  std::lock_guard one_at_a_time(settling_);
  std::vector<candidate> found;  // oldest first
  std::uint64_t left = 0;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [number, in] : known_.segments()) {
      if (!in.sealed || !wanted(in)) continue;
      found.push_back({number, in.size});
      left += in.size;
    }
  }
  for (const auto& [number, bytes] : found) {
    if (left <= may_wait()) break;
    if (auto settled = settle_segment(number, known_, mutex_, how_, format_); !settled)
      return settled;
    left -= bytes;
  }
  return {};
}

core::result<void> log::impl::settle() {
  if (auto open = check_open(); !open) return open;
  auto rotated = commits_.exclusively([&](appender& end) -> core::result<void> {
    {
      std::lock_guard lock(mutex_);
      const auto* newest = known_.newest();
      if (!newest || newest->sealed || !needs_settling(*newest)) return {};
    }
    if (auto synced = end.sync(); !synced) return synced;
    return end.rotate();
  });
  if (!rotated) return rotated;
  return settle_all([this](const segment& in) {
    return needs_settling(in) || (in.size > 0 && !has_current_key(in, format_));
  });
}

core::result<void> log::impl::before_removal(const std::string& segment) {
  if (!format_.signs()) return {};
  return commits_.exclusively([&](appender& end) { return end.note_removed(segment); });
}

core::result<void> log::impl::retire() {
  std::lock_guard one_at_a_time(settling_);
  auto done = retention_.run();
  if (done || done.reason().code != core::errc::wal_full) return done;
  // Moving dead letters is what the reserve is for: it ends with more space than there was.
  bool released = false;
  auto asked = commits_.exclusively([&](appender& end) -> core::result<void> {
    released = end.release_reserve();
    return {};
  });
  return asked && released ? retention_.run() : done;
}

core::result<void> log::impl::maintain() {
  if (auto open = check_open(); !open) return open;
  bool late, lacks_reserve;
  std::uint64_t written_before;
  {
    std::lock_guard lock(mutex_);
    written_before = std::exchange(written_before_, commits_.bytes_written());
    late = commits_.has_late_marks();
    lacks_reserve = commits_.lacks_reserve();
  }
  // Where marks can't be written the disk may be full, and retention is what makes room again.
  const auto synced = late ? sync() : core::result<void>{};
  if (auto retired = retire(); !retired) return retired;
  if (!synced) return synced;
  if (lacks_reserve) {
    auto kept = commits_.exclusively([](appender& end) { return end.keep_reserve(); });
    if (!kept) how_.log->debug("no reserve for a full disk: " + kept.reason().text);
  }
  return settle_all([](const segment& in) { return in.pending == 0 && in.unsettled > 0; },
                    [&] {
                      std::lock_guard lock(mutex_);
                      const auto written = commits_.bytes_written() - written_before;
                      return written < busy_bytes ? 0 : how_.unsettled_bytes_max;
                    });
}

void log::impl::run_maintenance() {
  std::chrono::milliseconds interval = maintenance_interval;
  std::unique_lock lock(mutex_);
  while (!stop_maintenance_.wait_for(lock, interval, [&] { return closed_; })) {
    lock.unlock();
    auto done = maintain();
    if (!done && done.reason().code != core::errc::closed)
      how_.log->warn("maintenance of the log, tried again in 10 s: " + done.reason().text);
    interval = done ? maintenance_interval : maintenance_retry_interval;
    lock.lock();
  }
}

core::result<void> log::impl::close() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(closed_, true)) return {};
  }
  stop_maintenance_.notify_all();
  if (maintenance_.joinable()) maintenance_.join();
  if (!lock_) return {};  // it was never opened
  auto outcome = commits_.close();
  // Even where the last marks could not be written: what is known in memory goes into the lines
  // themselves.
  if (auto settled = settle_all(needs_settling); !settled) outcome = settled;
  lock_.reset();
  return outcome;
}

}  // namespace nexus::wal
