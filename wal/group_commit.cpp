#include "wal/group_commit.hpp"

#include <chrono>

namespace nexus::wal {
namespace {

/// A group takes no more requests once it has this many bytes, so that nobody waits for a write
/// without end.
constexpr std::size_t group_bytes_max = 8 << 20;

core::error closed() {
  return {core::errc::closed, "the log is closed"};
}

}  // namespace

group_commit::group_commit(const options& how, catalog& known, std::mutex& guard)
    : appender_(how, known, guard), known_(known), guard_(guard), log_(how.log) {}

void group_commit::commit(commit_request& request) {
  std::unique_lock lock(guard_);
  if (closed_) {
    request.outcome = closed();
    return;
  }
  waiting_.push_back(&request);
  while (!request.done) {
    if (closed_ && !writing_) {  // closing overtook the request; nobody else will answer it
      std::erase(waiting_, &request);
      request.outcome = closed();
      return;
    }
    if (writing_)
      request.wake.wait(lock);
    else
      lead(lock);
  }
}

core::result<void> group_commit::exclusively(
    const std::function<core::result<void>(appender&)>& work) {
  std::unique_lock lock(guard_);
  idle_.wait(lock, [&] { return !writing_; });
  writing_ = true;
  lock.unlock();
  auto outcome = work(appender_);
  lock.lock();
  // Success says something about the disk only if it was asked.
  if (!outcome || appender_.syncs() != syncs_) note(outcome);
  pass_on();
  return outcome;
}

core::result<void> group_commit::close() {
  return exclusively([&](appender& end) {
    {
      std::lock_guard lock(guard_);
      closed_ = true;
    }
    return end.close();
  });
}

void group_commit::lead(std::unique_lock<std::mutex>& lock) {
  writing_ = true;
  auto group = take_group();
  lock.unlock();
  auto start = std::chrono::steady_clock::now();
  auto written = write(group);
  commit_info info{0,
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
  for (const auto* request : group) info.entries += request->items.size();
  if (observer_ && info.entries > 0 && written) observer_(info);
  lock.lock();
  // With the mutex: a caller that is done takes its request along as soon as it is free.
  for (auto* request : group) {
    request->done = true;
    if (!written) request->outcome = written.reason();
    request->wake.notify_one();
  }
  note(written ? core::result<void>{} : core::result<void>{written.reason()});
  pass_on();
}

void group_commit::pass_on() {
  writing_ = false;
  idle_.notify_all();
  if (closed_)
    for (auto* request : waiting_) request->wake.notify_one();
  else if (!waiting_.empty())
    waiting_.front()->wake.notify_one();
}

std::vector<commit_request*> group_commit::take_group() {
  std::size_t bytes = 0, count = 0;
  while (count < waiting_.size() && bytes < group_bytes_max)
    bytes += waiting_[count++]->lines.size();
  auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<commit_request*> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return group;
}

core::result<placement> group_commit::write(std::span<commit_request* const> group) {
  std::vector<std::string_view> entries;
  for (auto* request : group) {
    if (request->items.empty())
      appender_.add_marks(request->lines, request->mark_lines);
    else
      entries.push_back(request->lines);
  }
  return appender_.append(entries, [&](placement at) { publish(group, at); });
}

void group_commit::publish(std::span<commit_request* const> group, placement written) {
  auto offset = written.offset;
  for (const auto* request : group) {
    for (const auto& item : request->items)
      known_.add_pending(
          *item.entry,
          {written.segment, static_cast<std::uint32_t>(item.length), offset + item.offset},
          item.seconds);
    appended_ += request->items.size();
    if (!request->items.empty()) offset += request->lines.size();
  }
}

void group_commit::note(const core::result<void>& outcome) {
  syncs_ = appender_.syncs();
  bytes_written_ = appender_.bytes_written();
  late_marks_ = appender_.has_late_marks();
  if (outcome.ok() != trouble_.empty()) {
    if (outcome)
      log_->info("writing works again");
    else
      log_->error("writing fails: " + outcome.reason().text);
  }
  trouble_ = outcome ? std::string{} : outcome.reason().text;
}

}  // namespace nexus::wal
