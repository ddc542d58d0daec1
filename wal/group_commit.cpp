#include "wal/group_commit.hpp"

#include <chrono>

namespace nexus::wal {
namespace {

/// A group takes no more requests once it has this many bytes, so that nobody waits for a write
/// without end.
constexpr std::size_t group_bytes_max = 8 << 20;

/// A leader waits for others at most this part of what the last commit took.
constexpr int waiting_part = 4;

/// A wait that may not be longer than this is left out: the system's timer is not more exact.
constexpr std::chrono::microseconds shortest_wait{50};

core::error closed() {
  return {core::errc::closed, "the log is closed"};
}

}  // namespace

group_commit::group_commit(const options& how, const line_format& format, catalog& known,
                           std::mutex& guard)
    : format_(format),
      appender_(how, format, known, guard),
      known_(known),
      guard_(guard),
      log_(how.log) {}

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
    if (!request.items.empty()) ++mine->appenders;
    if (mine->expected > 0 && (mine->appenders >= mine->expected || !mine->open))
      mine->complete.set();
  }
  if (leads)
    lead(*mine);
  else
    mine->done.wait();
  if (request.outcome) request.outcome = mine->outcome;
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
  auto trouble = outcome ? appender_.admit(0) : outcome;
  {
    std::lock_guard lock(guard_);
    lacks_reserve_ = appender_.lacks_reserve();
    // Success says something about the disk only if it was asked.
    if (!trouble || appender_.syncs() != syncs_) note(trouble);
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
  if (groups_.empty())
    added->turn.set();
  else
    groups_.back()->complete.set();
  groups_.push_back(added);
  return added;
}

void group_commit::lead(group& mine) {
  mine.turn.wait();
  if (gather(mine)) {
    auto start = std::chrono::steady_clock::now();
    auto trouble = write(mine);
    const auto spent = std::chrono::steady_clock::now() - start;
    if (mine.appenders > 0) last_commit_ = spent;
    commit_info info{0, std::chrono::duration<double>(spent).count()};
    for (const auto* request : mine.members)
      if (request->outcome) info.entries += request->items.size();
    if (observer_ && info.entries > 0 && mine.outcome) observer_(info);
    std::lock_guard lock(guard_);
    note(trouble);
  } else {
    mine.outcome = closed();
  }
  pass_on();
  mine.done.set();  // after it, so that the next sync begins before all these callers wake up
}

bool group_commit::gather(group& mine) {
  const auto longest = last_commit_ / waiting_part;
  bool waits = false;
  {
    std::lock_guard lock(queue_);
    // Who brings nothing but marks needs no sync, and who has no one to wait for gets it at once.
    waits = longest >= shortest_wait && mine.open && groups_.size() == 1 && mine.appenders > 0 &&
            mine.appenders < expected_;
    if (waits) mine.expected = expected_;
  }
  if (waits) mine.complete.wait_for(longest);
  std::lock_guard lock(queue_);
  mine.open = false;
  return !closed_;
}

void group_commit::pass_on() {
  group_ptr next;
  {
    std::lock_guard lock(queue_);
    const auto answered = groups_.front()->appenders;
    groups_.pop_front();
    if (!groups_.empty()) next = groups_.front();
    if (answered > 0) expected_ = answered + (next ? next->appenders : 0);
  }
  if (next) next->turn.set();
}

core::result<void> group_commit::write(group& mine) {
  std::uint64_t bytes = 0;
  for (const auto* request : mine.members)
    if (!request->items.empty() && !request->from_reserve) bytes += request->lines.size();
  // Also for marks alone: that they can be written does not mean that entries can.
  auto room = appender_.admit(bytes);
  std::vector<commit_request*> entries;
  for (auto* request : mine.members) {
    if (request->items.empty())
      appender_.add_marks(request->lines, request->mark_lines);
    else if (room || request->from_reserve)
      entries.push_back(request);
    else
      request->outcome = room.reason();
  }
  mine.outcome = write_entries(entries);
  if (!mine.outcome && mine.outcome.reason().code == core::errc::wal_full &&
      appender_.release_reserve()) {
    // The reserve is not for what comes in, but for getting rid of what is there.
    room = mine.outcome;
    std::erase_if(entries, [&](commit_request* request) {
      if (!request->from_reserve) request->outcome = room.reason();
      return !request->from_reserve;
    });
    mine.outcome = write_entries(entries);
  }
  return mine.outcome ? room : mine.outcome;
}

core::result<void> group_commit::write_entries(std::span<commit_request* const> members) {
  if (members.empty() && !appender_.has_late_marks()) return {};
  if (auto ready = appender_.prepare(); !ready) return ready;
  std::vector<entry_lines> entries;
  for (auto* request : members) {
    if (format_.encrypts()) encrypt(*request);
    entries.push_back({format_.encrypts() ? request->encrypted : request->lines, request->macs});
  }
  auto written = appender_.append(entries, [&](placement at) { publish(members, at); });
  return written ? core::result<void>{} : core::result<void>{written.reason()};
}

void group_commit::encrypt(commit_request& request) {
  auto item = request.items.begin();
  request.encrypted = appender_.encode(request.lines, [&](std::size_t offset, std::size_t length) {
    item->offset = offset;
    item->length = length;
    ++item;
  });
}

void group_commit::publish(std::span<commit_request* const> members, placement written) {
  auto offset = written.offset;
  for (const auto* request : members) {
    for (const auto& item : request->items)
      known_.add_pending(
          *item.entry, item.hashes,
          {written.segment, static_cast<std::uint32_t>(item.length), offset + item.offset},
          item.seconds);
    appended_ += request->items.size();
    offset += format_.encrypts() ? request->encrypted.size() : request->lines.size();
  }
}

void group_commit::note(const core::result<void>& outcome) {
  syncs_ = appender_.syncs();
  bytes_written_ = appender_.bytes_written();
  late_marks_ = appender_.has_late_marks();
  lacks_reserve_ = appender_.lacks_reserve();
  if (outcome.ok() != trouble_.empty()) {
    if (outcome)
      log_->info("writing works again");
    else
      log_->error("writing fails: " + outcome.reason().text);
  }
  trouble_ = outcome ? std::string{} : outcome.reason().text;
}

}  // namespace nexus::wal
