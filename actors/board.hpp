// What a queue shows of its destination to other threads.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "actors/pipeline.hpp"

namespace nexus::actors {

/// Written by one queue, read by anyone. Any thread.
class board {
 public:
  /// `paused`: by the operator, before its queue has said anything.
  board(const std::string& name, const std::string& type, bool paused) {
    status_.name = name;
    status_.type = type;
    if (paused) status_.state = destination_status::phase::paused;
  }

  destination_status read() const {
    std::lock_guard guard(mutex_);
    return status_;
  }
  void update(const std::function<void(destination_status&)>& change) {
    std::lock_guard guard(mutex_);
    change(status_);
  }

 private:
  mutable std::mutex mutex_;
  destination_status status_;
};

}  // namespace nexus::actors
