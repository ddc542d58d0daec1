#include "cli/job_thread.hpp"

#include <utility>

namespace nexus::cli {
namespace {

core::error closed() {
  return {core::errc::closed, "the server is stopping"};
}

}  // namespace

job_thread::job_thread(std::size_t jobs_max, std::string what)
    : jobs_max_(jobs_max), what_(std::move(what)), thread_([this] { loop(); }) {}

job_thread::~job_thread() {
  stop();
}

void job_thread::run(job work) {
  core::error refusal = closed();
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && jobs_.size() < jobs_max_) {
      jobs_.push_back(std::move(work));
      wake_.notify_one();
      return;
    }
    if (!stopping_)
      refusal = {core::errc::overloaded, std::to_string(jobs_max_) + " " + what_ + " are waiting"};
  }
  work(refusal);
}

void job_thread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void job_thread::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const job next = std::move(jobs_.front());
    jobs_.pop_front();
    const bool stopping = stopping_;
    lock.unlock();
    stopping ? next(closed()) : next({});
    lock.lock();
  }
}

}  // namespace nexus::cli
