// The entries of one destination that are in memory: ready, waiting for their next attempt, or lent
// to a worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/pipeline.hpp"
#include "core/entry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// An entry on its way.
struct travelling {
  core::entry_ptr entry;
  wal::position at = 0;
  std::size_t bytes = 0;
  std::uint32_t attempts = 0;  ///< those that count
  /// A destination broke down over a batch that it was in: it travels alone from then on, so that
  /// it takes no others along.
  bool alone = false;
  std::uint32_t breakdowns = 0;  ///< over it alone
  /// At the last of these, how many others the destination had taken.
  std::uint64_t taken_then = 0;
};

/// Counts entries and bytes; the owner keeps them within its limits by adding only what there is
/// room for. Not for use from two threads.
class window {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  virtual ~window() = default;

  std::size_t entries() const noexcept { return entries_; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Whether something can be lent.
  virtual bool has_ready() const noexcept = 0;
  /// At least so many entries can be lent; asked for small numbers only.
  virtual bool has_ready(std::size_t count) const noexcept = 0;
  /// Takes in an entry that stands behind all others so far.
  virtual void add(wal::pending_entry entry) = 0;
  /// Lends ready entries, oldest first: at most `entries_max` and `bytes_max`, but at least one if
  /// there is one.
  virtual std::vector<travelling> lend(std::size_t entries_max, std::size_t bytes_max) = 0;
  /// Takes lent entries back as the next ones to go, in their order.
  virtual void put_back(std::vector<travelling> lent) = 0;
  /// Takes a lent entry back, to be ready again at `due`.
  virtual void delay(travelling lent, time_point due) = 0;
  /// Forgets a lent entry.
  virtual void release(const travelling& lent) = 0;
  /// Makes ready what is due by `now`: before the others, but for what broke the destination down.
  virtual void wake(time_point now) = 0;

  // For the end of a run: what is forgotten then is still pending in the log. Where an order is
  // kept, nothing of its key is lent any more, also of what is added later.

  /// Forgets a lent entry that was not delivered.
  virtual void leave(const travelling& lent) = 0;
  /// Forgets everything that waits for its next attempt.
  virtual void leave_delayed() = 0;

  /// When something is due next.
  virtual std::optional<time_point> next_due() const = 0;

  // For a window that keeps an order, where keys that wait for their next attempt would fill it:
  // it forgets most of their entries, and reads them again when their turn comes.

  /// Forgets what can be read again; true if that made room.
  virtual bool make_room() { return false; }
  /// Forgotten entries.
  struct missing {
    std::string key;
    wal::position from;  ///< where the first of them stands
  };
  /// What should be read again now: its key could go on.
  virtual std::optional<missing> gap() const { return {}; }
  /// Takes in what was read from a gap on. `next`: where that ended. `seen`: what stands there or
  /// behind it has not been added yet, and will be.
  virtual void refill(const std::string& /*key*/, const std::vector<wal::pending_entry>& /*read*/,
                      wal::position /*next*/, wal::position /*seen*/) {}

 protected:
  travelling take_in(wal::pending_entry entry);
  void forget(const travelling& one) noexcept;

 private:
  std::size_t entries_ = 0;  ///< of all three kinds
  std::size_t bytes_ = 0;
};

/// Entries of the same key are lent in their order: the next ones only when all before them have
/// been released. `in_order`: a batch may hold several of a key, as the destination takes them in
/// order. Without an order to keep the other two do not matter.
std::unique_ptr<window> make_window(ordering keep, bool in_order);

}  // namespace nexus::actors
