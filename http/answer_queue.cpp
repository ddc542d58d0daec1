#include "http/answer_queue.hpp"

#include <atomic>
#include <utility>

#include "http/errors.hpp"

namespace nexus::http {

/// Shared by the copies of one respond function: answers once, at the latest when the last copy
/// goes.
class answer_queue::responder {
 public:
  responder(std::shared_ptr<answer_queue> queue, std::uint64_t session)
      : queue_(std::move(queue)), session_(session) {}
  responder(const responder&) = delete;
  responder& operator=(const responder&) = delete;
  ~responder() {
    if (!answered_) {
      answer(error_response(500, "internal_error", "the request was dropped without an answer"));
    }
  }

  void answer(response response) {
    if (!answered_.exchange(true)) queue_->push({session_, std::move(response)});
  }

 private:
  std::shared_ptr<answer_queue> queue_;
  std::uint64_t session_;
  std::atomic<bool> answered_{false};
};

respond_fn answer_queue::make_respond(std::uint64_t session) {
  return [shared = std::make_shared<responder>(shared_from_this(), session)](response response) {
    shared->answer(std::move(response));
  };
}

std::vector<answer> answer_queue::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void answer_queue::close() {
  {
    std::lock_guard lock(waking_);
    wake_ = nullptr;
  }
  std::lock_guard lock(mutex_);
  closed_ = true;
  answers_.clear();
}

void answer_queue::push(answer item) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    answers_.push_back(std::move(item));
    if (answers_.size() > 1) return;
  }
  std::lock_guard lock(waking_);
  if (wake_) wake_();
}

}  // namespace nexus::http
