// One thread for work that blocks: jobs come from any thread and run one after the other.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "core/result.hpp"

namespace nexus::cli {

class job_thread {
 public:
  /// Called once: without an error on the thread; with `overloaded` or `closed`, on any thread, if
  /// the job is not going to run.
  using job = std::function<void(const core::result<void>& may_run)>;

  /// `jobs_max`: so many may wait; one more is refused. `what` names them in that error.
  job_thread(std::size_t jobs_max, std::string what);
  ~job_thread();
  job_thread(const job_thread&) = delete;
  job_thread& operator=(const job_thread&) = delete;

  void run(job work);

  /// Tells the jobs that wait `closed`, waits for the one that runs, and ends the thread. Call it
  /// from one thread.
  void stop();

 private:
  void loop();

  const std::size_t jobs_max_;
  const std::string what_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace nexus::cli
