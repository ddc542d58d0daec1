// One receiver of webhook events, with the thread that sends to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/entry.hpp"
#include "core/log.hpp"
#include "core/metrics.hpp"
#include "outgoing/event_sender.hpp"
#include "outgoing/http_calls.hpp"

namespace nexus::outgoing {

/// An event, made once for all sinks.
struct event {
  std::string head;       ///< its JSON up to the last common member, not closed
  core::entry_ptr entry;  ///< for sinks that get the whole payload; null: there are none
};
using event_ptr = std::shared_ptr<const event>;

class event_sink {
 public:
  event_sink(sink_options how, const event_options& shared, core::logger_ptr log,
             core::metrics& metrics);
  ~event_sink();
  event_sink(const event_sink&) = delete;
  event_sink& operator=(const event_sink&) = delete;

  /// Takes the event, or drops it where the buffer is full. Any thread.
  void offer(const event_ptr& what);
  /// From now on nothing is taken, what waits is tried without waiting for its time, and the thread
  /// ends when nothing is left, at the latest at `deadline`.
  void request_stop(std::chrono::steady_clock::time_point deadline);
  void join();

 private:
  using clock = std::chrono::steady_clock;
  struct attempt {
    event_ptr what;
    std::size_t failures = 0;  ///< so far
  };

  void loop();
  /// How long there is nothing to do but to wait for answers; nothing: it is time to end.
  std::optional<std::chrono::milliseconds> time_to_next();
  void begin_due();
  std::optional<attempt> take_due();
  void begin(attempt one);
  void judge(attempt one, const http_reply& reply);
  void note_failure(const http_reply& reply);
  void retry_later(attempt one, const http_reply& reply);
  /// It is in the buffer no more.
  void leave(const event& what);
  std::size_t bytes_of(const event& what) const;

  const sink_options how_;
  const std::string shown_;  ///< its name and host, for messages
  const std::size_t events_max_;
  const std::size_t bytes_max_;
  const std::vector<std::chrono::milliseconds> backoff_;
  const core::logger_ptr log_;
  core::counter& dropped_;
  core::counter& delivered_;
  core::counter& retried_;
  core::counter& failed_;
  http_calls calls_;

  std::mutex mutex_;
  std::deque<event_ptr> fresh_;  ///< not tried yet
  std::size_t events_ = 0;       ///< fresh, waiting for a retry, and on their way
  std::size_t bytes_ = 0;        ///< of these
  bool dropping_ = false;
  std::optional<clock::time_point> deadline_;  ///< of the stop

  // The thread's own.
  std::multimap<clock::time_point, attempt> waiting_;  ///< for a retry, by its time
  bool failing_ = false;
  std::thread thread_;
};

}  // namespace nexus::outgoing
