// Messages of one batch that were sent and are not acknowledged yet: which of them an answer is
// for, and which are to be sent again when. Knows no clock and no network.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace nexus::destinations {

/// When a message is sent again.
struct resend_policy {
  /// After this long without any answer; doubled with each further time, up to `ack_wait_max`.
  std::chrono::milliseconds ack_wait{2'000};
  std::chrono::milliseconds ack_wait_max{8'000};
  /// After an answer that asks to try again.
  std::chrono::milliseconds retry_wait{250};
};

/// Message `i` of a batch is known to the other side by the token `first + i`. A batch gets tokens
/// that no other batch of the same connection has had, so that a late answer finds nothing here.
class outstanding {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// `count` messages, none sent yet, all due at once.
  outstanding(std::uint64_t first, std::size_t count, const resend_policy& policy);

  std::uint64_t token(std::size_t message) const noexcept { return first_ + message; }
  /// The message that an answer with this token is for, if it still waits for one.
  std::optional<std::size_t> find(std::uint64_t token) const noexcept;

  /// The messages to send now, in their order.
  std::vector<std::size_t> due(time_point now) const;
  /// When the next message is due; the most distant time if none waits.
  time_point next_due() const noexcept;

  void sent(std::size_t message, time_point now);
  /// The other side could not take it now: due again after `retry_wait`.
  void postpone(std::size_t message, time_point now);
  /// Nothing that was sent will be answered any more: all that wait are due at once.
  void lose_answers() noexcept;
  /// The message has its outcome.
  void settle(std::size_t message) noexcept;

  bool empty() const noexcept { return open_count_ == 0; }
  std::size_t count() const noexcept { return open_count_; }
  /// The messages without an outcome, in their order.
  std::vector<std::size_t> open() const;

 private:
  struct slot {
    bool open = true;
    std::chrono::milliseconds wait;
    time_point due = time_point::min();
  };

  const std::uint64_t first_;
  const resend_policy policy_;
  std::vector<slot> slots_;
  std::size_t open_count_;
};

}  // namespace nexus::destinations
