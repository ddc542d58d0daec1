#include "http/worker.hpp"

#include <pthread.h>

#include <utility>

namespace nexus::http {

worker::worker(handler& door) : door_(door), thread_([this] { work(); }) {}

void worker::run(request what, respond_fn respond) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    waiting_.push_back({std::move(what), std::move(respond)});
  }
  changed_.notify_one();
}

void worker::close() {
  std::deque<job> dropped;  // outside of the lock: dropping answers
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(waiting_);
  }
  changed_.notify_one();
}

void worker::stop() {
  close();
  if (thread_.joinable()) thread_.join();
}

void worker::work() {
  ::pthread_setname_np(::pthread_self(), "http-bodies");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    job next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    door_.on_request(std::move(next.what), std::move(next.respond));
    lock.lock();
  }
}

}  // namespace nexus::http
