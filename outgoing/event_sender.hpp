// Webhook events: other systems are told of every entry that has become durable (section 3.8 of the
// v0.1.2 behaviour, without its defects). docs/events.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/entry.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"

namespace nexus::outgoing {

class event_sink;

struct sink_options {
  std::string name;  ///< for messages
  std::string url;   ///< may hold secrets; only its host is ever shown
  std::chrono::milliseconds timeout{5'000};
  std::size_t retries_max = 3;  ///< after the first attempt
  bool full = false;            ///< the event has the whole payload in it
};

struct event_options {
  /// What one sink may have waiting and on its way; an event beyond either is dropped. One event
  /// may be larger than the bytes, alone.
  std::size_t events_max = 1'000;
  std::size_t bytes_max = 64 * 1024 * 1024;
  /// The wait before each retry; the last one for all that follow. Not empty.
  std::vector<std::chrono::milliseconds> backoff{std::chrono::seconds(1), std::chrono::seconds(5),
                                                 std::chrono::seconds(30),
                                                 std::chrono::seconds(300)};
  std::vector<sink_options> sinks;
};

/// Sends an event `memory_written` for each entry to each sink. The sinks know nothing of one
/// another: each has a thread, a buffer and connections of its own. Events are for those who listen
/// now: what could not be sent is counted and forgotten, and nothing is sent again after a restart.
class event_sender {
 public:
  /// `metrics` must outlive it.
  event_sender(event_options how, const core::logger_ptr& log, core::metrics& metrics);
  ~event_sender();
  event_sender(const event_sender&) = delete;
  event_sender& operator=(const event_sender&) = delete;

  /// For entries that are on disk. Never waits. Any thread.
  void written(std::span<const core::entry_ptr> entries);

  /// Tries what waits once more, drops what is left after `budget`, and ends. Nothing is taken
  /// after that. Call it from one thread.
  void stop(std::chrono::milliseconds budget);

 private:
  bool any_full_ = false;
  std::vector<std::unique_ptr<event_sink>> sinks_;
};

}  // namespace nexus::outgoing
