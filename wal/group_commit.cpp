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
  group_ptr mine;
  bool leads;
  {
    std::lock_guard lock(queue_);
    leads = groups_.empty() || !groups_.back()->open;
    mine = leads ? enqueue(true) : groups_.back();
    mine->members.push_back(&request);
    mine->bytes += request.lines.size();
    if (mine->bytes >= group_bytes_max) mine->open = false;
  }
  if (leads)
    lead(*mine);
  else
    mine->done.wait();
  request.outcome = mine->outcome;
}

core::result<void> group_commit::exclusively(
    const std::function<core::result<void>(appender&)>& work) {
  group_ptr mine;
  {
    std::lock_guard lock(queue_);
    mine = enqueue(false);
  }
  mine->turn.wait();
  auto outcome = work(appender_);
  {
    std::lock_guard lock(guard_);
    // Success says something about the disk only if it was asked.
    if (!outcome || appender_.syncs() != syncs_) note(outcome);
  }
  pass_on();
  return outcome;
}

core::result<void> group_commit::close() {
  return exclusively([&](appender& end) {
    {
      std::lock_guard lock(queue_);
      closed_ = true;
    }
    return end.close();
  });
}

group_commit::group_ptr group_commit::enqueue(bool open) {
  auto added = std::make_shared<group>();
  added->open = open;
  if (groups_.empty()) added->turn.set();
  groups_.push_back(added);
  return added;
}

void group_commit::lead(group& mine) {
  mine.turn.wait();
  if (gather(mine)) {
    auto start = std::chrono::steady_clock::now();
    auto written = write(mine.members);
    commit_info info{
        0, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
    for (const auto* request : mine.members) info.entries += request->items.size();
    if (!written) mine.outcome = written.reason();
    if (observer_ && info.entries > 0 && written) observer_(info);
    std::lock_guard lock(guard_);
    note(mine.outcome);
  } else {
    mine.outcome = closed();
  }
  pass_on();
  mine.done.set();  // after it, so that the next sync begins before all these callers wake up
}

bool group_commit::gather(group& mine) {
  std::lock_guard lock(queue_);
  mine.open = false;
  return !closed_;
}

void group_commit::pass_on() {
  group_ptr next;
  {
    std::lock_guard lock(queue_);
    groups_.pop_front();
    if (!groups_.empty()) next = groups_.front();
  }
  if (next) next->turn.set();
}

core::result<placement> group_commit::write(std::span<commit_request* const> members) {
  std::vector<std::string_view> entries;
  for (auto* request : members) {
    if (request->items.empty())
      appender_.add_marks(request->lines, request->mark_lines);
    else
      entries.push_back(request->lines);
  }
  return appender_.append(entries, [&](placement at) { publish(members, at); });
}

void group_commit::publish(std::span<commit_request* const> members, placement written) {
  auto offset = written.offset;
  for (const auto* request : members) {
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
