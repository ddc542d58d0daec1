#include "wal/appender.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "wal/segment_name.hpp"

namespace nexus::wal {

std::uint64_t segment_bytes_max(const options& how) noexcept {
  return static_cast<std::uint64_t>(how.max_segment_size_mb > 0 ? how.max_segment_size_mb : 50)
         << 20;
}

void preallocate(core::file& file, const options& how) {
  if (auto done = file.allocate(segment_bytes_max(how));
      !done && done.reason().code != core::errc::unsupported)
    how.log->debug("no preallocation: " + done.reason().text);
}

appender::appender(const options& how, catalog& known, std::mutex& guard)
    : how_(how), known_(known), guard_(guard), size_max_(segment_bytes_max(how)) {}

void appender::marks::take_over(marks& other) {
  lines += other.lines;
  count += other.count;
  other = {};
}

void appender::continue_with(std::unique_ptr<core::file> file) {
  const auto& newest = known_.segments().rbegin()->second;
  active_ = {std::move(file), newest.number, newest.size, newest.size};
}

core::result<placement> appender::append(std::span<const std::string_view> entries,
                                         const std::function<void(placement)>& publish) {
  if (!active_) {
    auto begun = begin_segment();
    if (!begun) return begun.reason();
    active_ = *std::move(begun);
  }
  std::vector<std::string_view> pieces{waiting_.lines};
  pieces.insert(pieces.end(), entries.begin(), entries.end());
  std::uint64_t bytes = 0;
  for (auto piece : pieces) bytes += piece.size();

  if (auto written = active_->file->write_at(active_->size, pieces); !written) {
    give_up_active(written.reason());
    return written.reason();
  }
  placement at{active_->number, active_->size + waiting_.lines.size()};
  auto status_lines = waiting_.count;
  active_->size += bytes;
  bytes_written_ += bytes;
  unsynced_.take_over(waiting_);
  if (!entries.empty())
    if (auto synced = sync_active(); !synced) return synced.reason();
  {
    std::lock_guard lock(guard_);
    known_.at(at.segment).size = active_->size;
    known_.at(at.segment).status_lines += status_lines;
    if (publish) publish(at);
  }
  if (active_->size >= size_max_)
    if (auto rotated = rotate(); !rotated)
      how_.log->warn("cannot begin a new segment yet: " + rotated.reason().text);
  return at;
}

void appender::add_marks(std::string_view lines, std::uint64_t count) {
  waiting_.lines += lines;
  waiting_.count += count;
}

core::result<void> appender::sync() {
  if (waiting_.count > 0)
    if (auto written = append({}, {}); !written) return written.reason();
  if (unsynced_.count == 0) return {};
  return sync_active();
}

core::result<void> appender::rotate() {
  auto next = begin_segment();
  if (!next) return next.reason();  // the old one goes on, longer than it should be
  if (active_ && (unsynced_.count == 0 || sync_active().ok())) seal_active();
  active_ = *std::move(next);
  return {};
}

core::result<void> appender::close() {
  auto synced = sync();
  if (active_) seal_active();
  return synced;
}

core::result<appender::open_segment> appender::begin_segment() {
  {
    std::lock_guard lock(guard_);
    if (!known_.segments().empty())
      last_name_ = std::max(last_name_, known_.segments().rbegin()->second.name);
  }
  // A name is used once, even if its file could not be made durable: it may still be there.
  last_name_ = next_segment_name(last_name_, how_.clock());
  auto file = create_file(last_name_);
  if (!file) return file.reason();
  std::lock_guard lock(guard_);
  return open_segment{*std::move(file), known_.add_segment(last_name_).number, 0, 0};
}

core::result<std::unique_ptr<core::file>> appender::create_file(const std::string& name) {
  auto path = how_.directory + "/" + name;
  auto file = how_.files->create(path);
  if (!file) return file;
  preallocate(**file, how_);
  // Without this the file, and every entry in it, could be gone after a power cut.
  if (auto synced = how_.files->sync_directory(how_.directory); !synced) {
    if (auto removed = how_.files->remove(path); !removed) how_.log->warn(removed.reason().text);
    return synced.reason();
  }
  return file;
}

core::result<void> appender::sync_active() {
  ++syncs_;
  if (auto synced = active_->file->sync(); !synced) {
    // The kernel may have dropped the pages that it could not write: a second fsync would report
    // success for bytes that are not on disk. So this segment is never written again.
    give_up_active(synced.reason());
    return synced;
  }
  active_->synced_size = active_->size;
  unsynced_ = {};
  return {};
}

void appender::seal_active() {
  // Not synced: after a crash the preallocated tail is there again, and is cut again.
  if (auto cut = active_->file->truncate(active_->size); !cut) how_.log->warn(cut.reason().text);
  std::lock_guard lock(guard_);
  auto& old = known_.at(active_->number);
  old.size = active_->size;
  old.sealed = true;
  active_.reset();
}

void appender::give_up_active(const core::error& why) {
  active_->size = active_->synced_size;
  // Said once: while a disk is full, every append begins a segment, and none of them holds
  // anything.
  if (active_->size > 0)
    how_.log->error("the active segment is given up, the next append begins a new one: " +
                    why.text);
  unsynced_.take_over(
      waiting_);  // marks since the last sync may be lost with the tail: they are written again
  waiting_ = std::exchange(unsynced_, {});
  if (active_->size > 0) return seal_active();
  // Nothing in it counts: a disk that stays full must not fill with empty segments.
  std::lock_guard lock(guard_);
  if (auto removed = how_.files->remove(known_.path(known_.at(active_->number))); !removed)
    how_.log->warn(removed.reason().text);
  known_.segments().erase(active_->number);
  active_.reset();
}

}  // namespace nexus::wal
