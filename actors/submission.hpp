// An append on its way to the disk.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/confirmation.hpp"
#include "core/entry.hpp"
#include "core/result.hpp"

namespace nexus::actors {

/// Writes that are committed together, and whoever waits for them to be durable. A write is one
/// payload: an entry for each of its destinations. Invariant: `done` is called exactly once. If
/// nobody settles the submission, as when an actor ends with messages in its mailbox, the
/// destructor answers `closed`.
class submission {
 public:
  using outcomes = std::vector<core::result<void>>;
  using callback = std::function<void(const core::result<void>&)>;
  using batch_callback = std::function<void(outcomes)>;
  using clock = std::chrono::steady_clock;

  /// One write.
  submission(std::vector<core::entry_ptr> values, callback done,
             std::optional<core::confirmation> wanted = {})
      : entries_(std::move(values)),
        sizes_{entries_.size()},
        done_([done = std::move(done)](const outcomes& each) { done(each.front()); }) {
    if (wanted) wanted_.push_back(std::move(*wanted));
  }
  /// Several. `sizes`: how many of the entries, which stand write by write, each of them has.
  /// `wanted`: empty, or one for each write.
  submission(std::vector<core::entry_ptr> values, std::vector<std::size_t> sizes,
             batch_callback done, std::vector<core::confirmation> wanted)
      : entries_(std::move(values)),
        sizes_(std::move(sizes)),
        wanted_(std::move(wanted)),
        done_(std::move(done)) {}
  ~submission() {
    if (done_)
      settle(core::error{core::errc::closed, "the log has been shut down; send the entry again"});
  }
  submission(const submission&) = delete;
  submission& operator=(const submission&) = delete;

  const std::vector<core::entry_ptr>& entries() const noexcept { return entries_; }
  clock::time_point begun() const noexcept { return begun_; }

  /// Answers every write alike; only the first answer counts. A callback that throws ends the
  /// program: nobody could be told.
  void settle(const core::result<void>& answer) noexcept {
    if (auto done = std::exchange(done_, nullptr)) done(outcomes(sizes_.size(), answer));
  }

  /// Answers each write with the first error of its entries. `of_entries`: an outcome for each of
  /// entries(). Then hands those who wait for the delivery of what was taken to `wait`, with the
  /// entries in question.
  template <class F>
  void settle_each(std::span<const core::result<void>> of_entries, const F& wait) noexcept {
    outcomes each;
    each.reserve(sizes_.size());
    for (const auto size : sizes_) {
      const auto own = of_entries.first(size);
      of_entries = of_entries.subspan(size);
      const auto refused = std::find_if(own.begin(), own.end(), [](auto& one) { return !one; });
      each.push_back(refused == own.end() ? core::result<void>{} : *refused);
    }
    std::vector<bool> taken;
    if (!wanted_.empty())
      for (const auto& one : each) taken.push_back(one.ok());
    if (auto done = std::exchange(done_, nullptr)) done(std::move(each));
    std::span<const core::entry_ptr> rest = entries_;
    for (std::size_t i = 0; i < taken.size(); rest = rest.subspan(sizes_[i]), ++i)
      if (taken[i]) wait(rest.first(sizes_[i]), std::move(wanted_[i]));
  }

 private:
  std::vector<core::entry_ptr> entries_;
  std::vector<std::size_t> sizes_;
  std::vector<core::confirmation> wanted_;
  batch_callback done_;
  clock::time_point begun_ = clock::now();
};

using submission_ptr = std::shared_ptr<submission>;

}  // namespace nexus::actors
