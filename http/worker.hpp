// The thread for requests that take the handler long.
#pragma once

#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "http/message.hpp"

namespace nexus::http {

/// Calls handler::on_request on a thread of its own, one request after the other. Clients take
/// turns: whoever has one request there waits for one of each other client, not for all of theirs.
/// How many may wait is for the caller to bound.
class worker {
 public:
  explicit worker(handler& door);
  ~worker() { stop(); }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// `client`: whose it is. Any thread. After close() the request is dropped.
  void run(const std::string& client, request what, respond_fn respond);
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
  /// The requests of one client; never empty.
  struct line {
    std::string client;
    std::deque<job> jobs;
  };
  using line_list = std::list<line>;

  void work();
  job take_next();

  handler& door_;
  std::mutex mutex_;
  std::condition_variable changed_;
  line_list lines_;  ///< the client whose turn it is first
  std::unordered_map<std::string, line_list::iterator> line_of_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nexus::http
