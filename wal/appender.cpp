#include "wal/appender.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "wal/segment_name.hpp"

namespace nexus::wal {
namespace {

/// A synced note is written for so many bytes: after a crash no more than these and one commit are
/// of unknown state.
constexpr std::uint64_t synced_note_bytes = 1 << 20;

}  // namespace

std::uint64_t segment_bytes_max(const options& how) noexcept {
  return static_cast<std::uint64_t>(how.max_segment_size_mb > 0 ? how.max_segment_size_mb : 50)
         << 20;
}

void preallocate(core::file& file, const options& how) {
  // Space that is short must not be bound in a segment that may never need it.
  auto free = how.files->free_bytes(how.directory);
  if (free && *free < segment_bytes_max(how) + how.min_free_bytes + how.reserve_bytes) return;
  if (auto done = file.allocate(segment_bytes_max(how));
      !done && done.reason().code != core::errc::unsupported)
    how.log->debug("no preallocation: " + done.reason().text);
}

appender::appender(const options& how, const line_format& format, catalog& known, std::mutex& guard)
    : how_(how),
      format_(format),
      known_(known),
      guard_(guard),
      size_max_(segment_bytes_max(how)),
      space_(how),
      seals_(how, format) {}

void appender::marks::take_over(marks& other) {
  lines += other.lines;
  count += other.count;
  other = {};
}

core::result<void> appender::resume(std::unique_ptr<core::file> file, const survey& found) {
  auto goes_on = seals_.resume(known_, found);
  if (!goes_on) return goes_on.reason();
  if (auto owed = seals_.take_owed_lines(); !owed.empty()) add_marks(owed, 1);
  if (auto kept = space_.keep_reserve(); !kept)
    how_.log->warn("no reserve for a full disk: " + kept.reason().text);
  if (!file) return {};
  const auto& newest = *known_.newest();
  active_.emplace(open_segment{std::move(file), newest.number, newest.size, newest.size,
                               std::min(found.noted, newest.size),
                               line_encoder(format_, newest.name)});
  if (!*goes_on) truncate_active();
  return {};
}

core::result<void> appender::prepare() {
  if (active_) return {};
  auto begun = begin_segment();
  if (!begun) return begun.reason();
  active_.emplace(*std::move(begun));
  std::lock_guard lock(guard_);
  seals_.begin(known_.at(active_->number).name);
  return {};
}

std::string appender::encode(
    std::string_view plain,
    const std::function<void(std::size_t offset, std::size_t length)>& moved) {
  if (!format_.encrypts()) return std::string(plain);
  std::string out;
  while (!plain.empty()) {
    const auto start = out.size();
    active_->encoder.append_line(out, plain.substr(0, plain.find('\t')));
    if (moved) moved(start, out.size() - start - 1);
    plain.remove_prefix(plain.find('\n') + 1);
  }
  return out;
}

/// What stands before the entries of a write: the header of a new segment, marks, a synced note.
std::string appender::preamble() {
  std::string out;
  if (active_->size == 0) active_->encoder.append_header(out, core::format_timestamp(how_.clock()));
  out += encode(waiting_.lines, {});
  if (active_->synced_size >= active_->noted_size + synced_note_bytes) {
    std::string json;
    append_synced_json(json, active_->synced_size, core::format_timestamp(how_.clock()));
    active_->encoder.append_line(out, json);
  }
  return out;
}

core::result<placement> appender::append(std::span<const entry_lines> entries,
                                         const std::function<void(placement)>& publish) {
  if (auto ready = prepare(); !ready) return ready.reason();
  const auto noted = active_->synced_size;
  const auto first = preamble();
  std::vector<std::string_view> pieces{first};
  for (const auto& one : entries) pieces.push_back(one.lines);
  std::uint64_t bytes = 0;
  for (auto piece : pieces) bytes += piece.size();

  if (auto written = active_->file->write_at(active_->size, pieces); !written) {
    give_up_active(written.reason());
    return written.reason();
  }
  placement at{active_->number, active_->size + first.size()};
  auto status_lines = waiting_.count;
  if (noted >= active_->noted_size + synced_note_bytes) active_->noted_size = noted;
  active_->size += bytes;
  bytes_written_ += bytes;
  unsynced_.take_over(waiting_);
  if (!entries.empty())
    if (auto synced = sync_active(); !synced) return synced.reason();
  for (const auto& one : entries) seals_.add(one.macs);
  {
    std::lock_guard lock(guard_);
    known_.at(at.segment).size = active_->size;
    known_.at(at.segment).status_lines += status_lines;
    if (publish) publish(at);
  }
  if (active_->size >= size_max_ || seals_.is_full())
    if (auto rotated = rotate(); !rotated)
      how_.log->warn("no new segment, the old one goes on: " + rotated.reason().text);
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
  // The seal comes first: a power cut may tear it, and only at the end of the newest segment the
  // next opening cuts off what is torn. If it can't be written the segment is given up, and the
  // next one begins all the same.
  if (active_)
    if (auto sealed = add_seal(); !sealed) how_.log->debug(sealed.reason().text);
  auto next = begin_segment();
  if (!next) return next.reason();  // the old one goes on, longer than it should be
  if (active_) truncate_active();
  active_.emplace(*std::move(next));
  std::lock_guard lock(guard_);
  seals_.begin(known_.at(active_->number).name);
  return {};
}

core::result<void> appender::close() {
  auto synced = sync();
  if (active_) finish_active();
  return synced;
}

core::result<appender::open_segment> appender::begin_segment() {
  {
    std::lock_guard lock(guard_);
    if (const auto* newest = known_.newest()) last_name_ = std::max(last_name_, newest->name);
  }
  // A name is used once, even if its file could not be made durable: it may still be there.
  last_name_ = next_segment_name(last_name_, how_.clock());
  auto file = create_file(last_name_);
  if (!file) {
    auto why = file.reason();
    if (why.code == core::errc::not_found) why.code = core::errc::io_failed;
    return why;
  }
  std::lock_guard lock(guard_);
  auto& added = known_.add_segment(last_name_);
  added.is_own = true;
  if (format_.encrypts()) added.key_id = format_.keys().current_id();
  return open_segment{*std::move(file), added.number, 0, 0, 0, line_encoder(format_, last_name_)};
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
  auto synced = active_->file->sync();
  // A sync succeeds as well for a file that nobody can find any more.
  if (synced) synced = active_->file->check_in_place();
  if (!synced) {
    // The kernel may have dropped the pages that it could not write: a second fsync would report
    // success for bytes that are not on disk. So this segment is never written again.
    give_up_active(synced.reason());
    return synced;
  }
  active_->synced_size = active_->size;
  unsynced_ = {};
  return {};
}

/// Writes the line that seals the active segment, in mode mac. After an error it is given up.
core::result<void> appender::add_seal() {
  const auto line = encode(seals_.seal_line(), {});
  if (!line.empty()) {
    std::string_view piece = line;
    if (auto written = active_->file->write_at(active_->size, std::span(&piece, 1)); !written) {
      give_up_active(written.reason());
      return written;
    }
    active_->size += line.size();
    bytes_written_ += line.size();
  }
  if (!line.empty() || unsynced_.count > 0)
    if (auto synced = sync_active(); !synced) return synced;
  seals_.note_sealed();
  return {};
}

void appender::finish_active() {
  if (add_seal()) truncate_active();
}

/// Nothing is written to the active segment any more.
void appender::truncate_active() {
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
  const bool is_empty = active_->size == 0;
  // Said once: while a disk is full, every append begins a segment, and none of them holds
  // anything.
  if (!is_empty)
    how_.log->error("the active segment is given up, the next append begins a new one: " +
                    why.text);
  unsynced_.take_over(
      waiting_);  // marks since the last sync may be lost with the tail: they are written again
  waiting_ = std::exchange(unsynced_, {});
  seals_.give_up(is_empty);
  if (auto owed = seals_.take_owed_lines(); !owed.empty()) add_marks(owed, 1);
  if (!is_empty) return truncate_active();
  // Nothing in it counts: a disk that stays full must not fill with empty segments.
  std::lock_guard lock(guard_);
  if (auto removed = how_.files->remove(known_.path(known_.at(active_->number))); !removed)
    how_.log->warn(removed.reason().text);
  known_.segments().erase(active_->number);
  active_.reset();
}

}  // namespace nexus::wal
