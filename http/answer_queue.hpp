// Brings answers from the threads where they arise to the I/O thread, many at a time: with group
// commit hundreds of them come at once, and one wake-up is enough for all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "http/message.hpp"

namespace nexus::http {

struct answer {
  std::uint64_t session;  ///< whose request it answers; that session may be gone
  response content;
};

/// Outlives the server as long as someone holds a respond function. Any thread.
class answer_queue : public std::enable_shared_from_this<answer_queue> {
 public:
  /// `wake` is called for the first answer of each burst, on the answering thread; it must lead to
  /// a take().
  explicit answer_queue(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// For one request of that session.
  respond_fn make_respond(std::uint64_t session);
  /// All answers since the last call.
  std::vector<answer> take();
  /// From here on answers are dropped and `wake` is not called any more.
  void close();

 private:
  class responder;

  void push(answer item);

  std::mutex mutex_;  ///< of the two below
  std::vector<answer> answers_;
  bool closed_ = false;
  /// Held while waking: after close() nobody touches what `wake_` refers to. Apart from the other
  /// one, so that who is woken does not have to wait for it.
  std::mutex waking_;
  std::function<void()> wake_;  ///< empty: closed
};

}  // namespace nexus::http
