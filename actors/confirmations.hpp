// Who waits for the delivery of entries that are durable already.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/confirmation.hpp"
#include "core/entry.hpp"
#include "wal/log.hpp"

namespace nexus::actors {

/// Not for use from two threads. Costs nothing where nobody waits.
class confirmations {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  bool empty() const noexcept { return waiting_.empty(); }

  /// `entries`: of one payload, each for a destination of its own.
  void add(std::span<const core::entry_ptr> entries, core::confirmation wanted, time_point now);
  void delivered(const std::string& destination, const std::vector<std::string>& payload_ids);
  void failed(const std::string& destination, const std::vector<wal::failure>& failures);
  /// Tells those whose time is over how far things are.
  void expire(time_point now);
  /// Tells everybody, and from now on everybody at once.
  void settle_all();

 private:
  struct waiter {
    core::delivery_report report;
    std::size_t pending = 0;
    time_point until;
    std::function<void(const core::delivery_report&)> done;
  };
  using waiters = std::unordered_map<std::string, waiter>;

  void note(const std::string& destination, const std::string& payload_id,
            core::delivery_state state);

  waiters waiting_;  ///< by payload id
  bool settled_ = false;
};

}  // namespace nexus::actors
