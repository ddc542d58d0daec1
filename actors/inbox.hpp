// What has been handed in for the log and waits for the next group.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "actors/submission.hpp"

namespace nexus::actors {

/// Between whoever appends, any thread, and the log's actor. A group is taken in one step: a
/// message for each submission would cost the actor more than what it does with it.
class inbox {
 public:
  using clock = std::chrono::steady_clock;

  /// Takes it in, and then as call(). Where it is closed nothing happens: what nobody has taken
  /// answers itself when its last owner lets go of it.
  bool push(const submission_ptr& value);

  /// True: the actor has to be sent a flush. False: it has one in its mailbox; with more of them it
  /// would look for company again and again, before the messages behind.
  bool call();

  /// Those that came first, at least one and at most so many bytes of entries; nothing if none
  /// waits. Ends a call.
  std::vector<submission_ptr> take(std::size_t bytes_max);

  std::size_t size() const;

  /// If anything waits: returns when so many do, or so many bytes of entries, or at `until`. One
  /// thread at a time.
  void await(std::size_t count, std::size_t bytes, clock::time_point until);

  /// Lets go of what waits, and takes nothing in any more.
  void close();

 private:
  struct item {
    submission_ptr what;
    std::size_t bytes;  ///< of its entries
  };
  bool is_enough() const { return waiting_.size() >= wanted_ || bytes_ >= wanted_bytes_; }

  mutable std::mutex mutex_;
  std::condition_variable enough_;
  std::deque<item> waiting_;
  std::size_t bytes_ = 0;  ///< of the entries of `waiting_`
  bool is_called_ = false;
  bool is_awaited_ = false;
  std::size_t wanted_ = 0, wanted_bytes_ = 0;  ///< by await()
  bool is_closed_ = false;
};

}  // namespace nexus::actors
