// The thread for requests that take the handler long.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "http/message.hpp"

namespace nexus::http {

/// Calls handler::on_request on a thread of its own, one request after the other. How many may wait
/// is for the caller to bound.
class worker {
 public:
  explicit worker(handler& door);
  ~worker() { stop(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Any thread. After close() the request is dropped.
  void run(request what, respond_fn respond);
  /// Drops what waits, and what comes. Any thread.
  void close();
  /// close(), and returns when the handler has the thread no more. Any thread but its own; a second
  /// call does nothing.
  void stop();

 private:
  struct job {
    request what;
    respond_fn respond;
  };

  void work();

  handler& door_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<job> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nexus::http
