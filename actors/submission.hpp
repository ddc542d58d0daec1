// An append on its way to the disk.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/confirmation.hpp"
#include "core/entry.hpp"
#include "core/result.hpp"

namespace nexus::actors {

/// Entries that are committed together, and whoever waits for them to be durable. Invariant: `done`
/// is called exactly once. If nobody settles the submission, as when an actor ends with messages in
/// its mailbox, the destructor answers `closed`.
class submission {
 public:
  using callback = std::function<void(const core::result<void>&)>;
  using clock = std::chrono::steady_clock;

  submission(std::vector<core::entry_ptr> values, callback done,
             std::optional<core::confirmation> wanted = {})
      : entries_(std::move(values)), wanted_(std::move(wanted)), done_(std::move(done)) {}
  ~submission() {
    if (done_)
      settle(core::error{core::errc::closed, "the log has been shut down; send the entry again"});
  }
  submission(const submission&) = delete;
  submission& operator=(const submission&) = delete;

  const std::vector<core::entry_ptr>& entries() const noexcept { return entries_; }
  clock::time_point begun() const noexcept { return begun_; }
  /// Whoever waits for the delivery; empty: nobody.
  std::optional<core::confirmation>& wanted() noexcept { return wanted_; }

  /// Answers; only the first answer counts. A callback that throws ends the program: nobody could
  /// be told.
  void settle(const core::result<void>& answer) noexcept {
    if (auto done = std::exchange(done_, nullptr)) done(answer);
  }

 private:
  std::vector<core::entry_ptr> entries_;
  std::optional<core::confirmation> wanted_;
  callback done_;
  clock::time_point begun_ = clock::now();
};

using submission_ptr = std::shared_ptr<submission>;

}  // namespace nexus::actors
