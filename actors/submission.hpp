// An append on its way to the disk.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "core/entry.hpp"
#include "core/result.hpp"

namespace nexus::actors {

/// An entry and whoever waits for it to be durable. Invariant: `done` is called exactly once. If
/// nobody settles the submission, as when an actor ends with messages in its mailbox, the
/// destructor answers `closed`.
class submission {
 public:
  using callback = std::function<void(const core::result<void>&)>;
  using clock = std::chrono::steady_clock;

  submission(core::entry_ptr value, callback done)
      : entry_(std::move(value)), done_(std::move(done)) {}
  ~submission() {
    if (done_)
      settle(core::error{core::errc::closed, "the log has been shut down; send the entry again"});
  }
  submission(const submission&) = delete;
  submission& operator=(const submission&) = delete;

  const core::entry_ptr& entry() const noexcept { return entry_; }
  clock::time_point begun() const noexcept { return begun_; }

  /// Answers; only the first answer counts. A callback that throws ends the program: nobody could
  /// be told.
  void settle(const core::result<void>& answer) noexcept {
    if (auto done = std::exchange(done_, nullptr)) done(answer);
  }

 private:
  core::entry_ptr entry_;
  callback done_;
  clock::time_point begun_ = clock::now();
};

using submission_ptr = std::shared_ptr<submission>;

}  // namespace nexus::actors
