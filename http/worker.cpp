#include "http/worker.hpp"

#include <pthread.h>

#include <utility>

namespace nexus::http {

worker::worker(handler& door) : door_(door), thread_([this] { work(); }) {}

void worker::run(const std::string& client, request what, respond_fn respond) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    const auto [known, is_new] = line_of_.try_emplace(client);
    if (is_new) known->second = lines_.insert(lines_.end(), {client, {}});
    known->second->jobs.push_back({std::move(what), std::move(respond)});
  }
  changed_.notify_one();
}

void worker::close() {
  line_list dropped;  // outside of the lock: dropping answers
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(lines_);
    line_of_.clear();
  }
  changed_.notify_one();
}

void worker::stop() {
  close();
  if (thread_.joinable()) thread_.join();
}

worker::job worker::take_next() {
  const auto first = lines_.begin();
  job next = std::move(first->jobs.front());
  first->jobs.pop_front();
  if (!first->jobs.empty()) {
    lines_.splice(lines_.end(), lines_, first);
  } else {
    line_of_.erase(first->client);
    lines_.erase(first);
  }
  return next;
}

void worker::work() {
  ::pthread_setname_np(::pthread_self(), "http-bodies");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
    if (stopping_) return;
    job next = take_next();
    lock.unlock();
    door_.on_request(std::move(next.what), std::move(next.respond));
    lock.lock();
  }
}

}  // namespace nexus::http
