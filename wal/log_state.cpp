#include "wal/log_state.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <iterator>

#include "core/json_text.hpp"
#include "wal/recovery.hpp"
#include "wal/segment_name.hpp"

namespace nexus::wal {
namespace {

/// What a line usually needs beside its payload: room is made once, not while the lines grow.
constexpr std::size_t usual_head_bytes = 512;

core::error closed() {
  return {core::errc::closed, "the log is closed"};
}

/// A text as it is when its line is read back: `text` itself, or where it is not UTF-8 `respelled`.
std::string_view as_read_back(std::string_view text, std::string& respelled) {
  if (core::json::is_utf8(text)) return text;
  return respelled = core::json::replace_invalid_utf8(std::string(text));
}

/// What identifies the entry must be in memory what it will be when its line is read back: `value`
/// itself, or (where something is not UTF-8) a copy in `respelled`.
const core::entry& as_read_back(const core::entry& value, std::deque<core::entry>& respelled) {
  constexpr std::array members = {&core::entry::payload_id, &core::entry::idempotency_key,
                                  &core::entry::source, &core::entry::destination};
  auto is_utf8 = [&](auto member) { return core::json::is_utf8(value.*member); };
  if (std::all_of(members.begin(), members.end(), is_utf8)) return value;
  auto& copy = respelled.emplace_back(value);
  for (auto member : members)
    copy.*member = core::json::replace_invalid_utf8(std::move(copy.*member));
  return copy;
}

}  // namespace

core::entry_ptr without_key(core::entry value) {
  value.idempotency_key.clear();
  return std::make_shared<const core::entry>(std::move(value));
}

core::result<void> log::impl::open() {
  if (auto made = how_.files->make_directory(how_.directory); !made) return made;
  auto lock = how_.files->lock(how_.directory + "/lock");
  if (!lock) return lock.reason();
  lock_ = *std::move(lock);
  if (auto read = take_stock(); !read) return read;
  replayed_ = known_.index().size();
  if (how_.background_maintenance) maintenance_ = std::thread([this] { run_maintenance(); });
  return {};
}

core::result<void> log::impl::take_stock() {
  auto found = read_directory(known_, how_, format_);
  if (!found) return found.reason();
  if (auto removed = remove_leftovers(how_); !removed) return removed.reason();
  found_ = found->counts;
  report_damage(known_, *found, how_);
  if (auto copied = quarantine_damage(known_, *found, how_))
    quarantined_ = *copied;
  else  // the lines are still where they were
    how_.log->error("damaged lines could not be copied: " + copied.reason().text);
  auto file = repair_tail(known_, found->tail, how_, format_);
  if (!file) return file.reason();
  return commits_.exclusively([&](appender& end) { return end.resume(*std::move(file), *found); });
}

core::result<void> log::impl::check_open() const {
  std::lock_guard lock(mutex_);
  if (closed_) return closed();
  return {};
}

std::vector<core::result<void>> log::impl::append_batch(std::span<const core::entry_ptr> values,
                                                        bool from_reserve) {
  std::vector<core::result<void>> outcomes(values.size());
  commit_request request;
  request.from_reserve = from_reserve;
  std::vector<std::size_t> accepted;
  accepted.reserve(values.size());
  request.items.reserve(values.size());
  std::size_t bytes = 0;
  for (const auto& value : values) bytes += usual_head_bytes + value->payload.size();
  request.lines.reserve(bytes);
  line_time time;
  for (std::size_t i = 0; i < values.size(); ++i) {
    outcomes[i] = add_line(request, *values[i], time);
    if (outcomes[i]) accepted.push_back(i);
  }
  if (accepted.empty()) return outcomes;
  commits_.commit(request);
  if (!request.outcome)
    for (auto i : accepted) outcomes[i] = request.outcome;
  return outcomes;
}

core::result<void> log::impl::add_line(commit_request& request, const core::entry& given,
                                       line_time& time) {
  const auto& value = as_read_back(given, request.respelled);
  if (time.given != value.timestamp) {
    auto spelled = value.timestamp.empty() ? std::optional(core::format_timestamp(how_.clock()))
                                           : core::normalize_timestamp(value.timestamp);
    if (!spelled)
      return core::error{core::errc::invalid_argument, "the entry's timestamp is not RFC 3339"};
    time = {value.timestamp, *spelled, unix_seconds(*spelled)};
  }

  auto start = request.lines.size();
  auto refuse = [&](core::error why) {
    request.lines.resize(start);
    return why;
  };
  core::stamp set{2, core::status::pending, time.spelled};
  if (auto spelled = core::append_json(request.lines, value, set); !spelled)
    return refuse(spelled.reason());
  const auto length = format_.line_bytes(request.lines.size() - start);
  format_.finish_line(request.lines, start);
  const auto line = std::string_view(request.lines).substr(start, request.lines.size() - start - 1);
  if (length > line_bytes_max)
    return refuse({core::errc::too_large, "the entry would need a line of " +
                                              std::to_string(length) + " bytes; the longest is " +
                                              std::to_string(line_bytes_max)});
  if (format_.signs()) {
    const auto mac = line_format::mac_at_end(line);
    request.macs.append(reinterpret_cast<const char*>(mac.data()), mac.size());
  }
  request.items.push_back({&value, start, line.size(), time.seconds,
                           known_.index().hashes_of(value)});
  return {};
}

core::result<std::uint64_t> log::impl::mark(status_change change) {
  change.at = core::format_timestamp(how_.clock());
  change.destination = core::json::replace_invalid_utf8(std::move(change.destination));
  for (auto& id : change.ids) id = core::json::replace_invalid_utf8(std::move(id));
  if (change.reason.size() > reason_bytes_max) change.reason.resize(reason_bytes_max);
  change.reason = core::json::replace_invalid_utf8(std::move(change.reason));
  commit_request request;
  std::vector<status_change> changes;
  std::uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    // One change for each destination: the followers of an entry are followers at its own
    // destination only.
    const bool is_delivery =
        change.mark == core::status::delivered || change.mark == core::status::permanent_failure;
    auto destinations = change.destination.empty() && is_delivery
                            ? known_.index().destinations()
                            : std::vector<std::string>{change.destination};
    for (auto& destination : destinations) {
      change.destination = std::move(destination);
      changes.push_back(known_.apply(change));
      count += changes.back().ids.size();
    }
    if (change.mark == core::status::delivered) delivered_ += count;
    if (change.mark == core::status::permanent_failure) failed_ += count;
  }
  for (auto& one : changes) add_status_lines(request, std::move(one));
  if (count == 0) return count;
  commits_.commit(request);
  if (!request.outcome) return request.outcome.reason();
  return count;
}

void log::impl::add_status_lines(commit_request& request, status_change change) const {
  auto ids = std::exchange(change.ids, {});
  const auto failed_at = std::exchange(change.failed_at, {});
  for (auto at = ids.begin(); at != ids.end();) {
    auto end = at;
    std::size_t count = 0, bytes = 0;
    do bytes += end->size();
    while (++end != ids.end() && ++count < ids_per_status_line_max &&
           bytes + end->size() <= id_bytes_per_status_line_max);
    change.ids.assign(std::make_move_iterator(at), std::make_move_iterator(end));
    if (!failed_at.empty())
      change.failed_at.assign(failed_at.begin() + (at - ids.begin()),
                              failed_at.begin() + (end - ids.begin()));
    auto start = request.lines.size();
    append_json(request.lines, change);
    format_.finish_line(request.lines, start);
    ++request.mark_lines;
    at = end;
  }
}

core::result<void> log::impl::find_pending(std::optional<std::string_view> destination,
                                           position from, std::size_t entries_max,
                                           std::size_t bytes_max, pending_lines& lines) {
  // Finding the lines and opening their files is one step: settling changes both under the same
  // mutex.
  std::lock_guard lock(mutex_);
  std::size_t bytes = 0;
  lines.begin(from);
  auto next = known_.index().next(from, destination);
  for (; next && lines.size() < entries_max;
       next = known_.index().next(lines.next(), destination)) {
    if (lines.size() > 0 && bytes + next->where.length > bytes_max) break;
    if (auto added = lines.add(*next, known_); !added) return added;
    bytes += next->where.length;
  }
  if (!next) lines.end_at(known_.index().end());
  return {};
}

core::result<void> log::impl::read_lines(pending_lines& lines,
                                         const pending_lines::visitor& visit) {
  return lines.read(visit, [this](const lost_line& line) {
    how_.log->error(line.segment + " at offset " + std::to_string(line.offset) + ": " +
                    line.why.text + ": this entry is lost");
    std::lock_guard lock(mutex_);
    known_.withhold(line.at);
    ++unreadable_;
  });
}

core::result<pending_batch> log::impl::read_pending(std::string_view destination, position from,
                                                    std::size_t entries_max,
                                                    std::size_t bytes_max) {
  pending_lines lines(*how_.files, format_);
  if (auto found = find_pending(destination, from, entries_max, bytes_max, lines); !found)
    return found.reason();
  pending_batch batch;
  batch.next = lines.next();
  batch.at_end = lines.at_end();
  batch.entries.reserve(lines.size());
  auto read = read_lines(lines, [&](position at, const scanned_line& line) {
    auto entry = std::make_shared<core::entry>();
    line.read_into(*entry);
    batch.entries.push_back({at, std::move(entry)});
  });
  if (!read) return read.reason();
  return batch;
}

core::result<void> log::impl::replay(const std::function<void(const core::entry&)>& fn) {
  constexpr std::size_t entries_max = 1024, bytes_max = 8 << 20;
  pending_lines lines(*how_.files, format_);
  core::entry value;
  do {
    auto found = find_pending({}, lines.next(), entries_max, bytes_max, lines);
    if (!found) return found;
    auto read = read_lines(lines, [&](position, const scanned_line& line) {
      line.read_into(value);
      fn(value);
    });
    if (!read) return read;
  } while (!lines.at_end());
  return {};
}

std::vector<bool> log::impl::keys_wait(std::string_view source, std::string_view destination,
                                       std::span<const std::string> idempotency_keys) const {
  std::array<std::string, 3> respelled;
  entry_name name;
  name.source = as_read_back(source, respelled[0]);
  name.destination = as_read_back(destination, respelled[1]);
  std::vector<std::uint64_t> hashes;
  hashes.reserve(idempotency_keys.size());
  for (const auto& key : idempotency_keys) {
    name.idempotency_key = as_read_back(key, respelled[2]);
    hashes.push_back(known_.index().hash_key(name));
  }
  std::vector<bool> waits(hashes.size());
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < hashes.size(); ++i) waits[i] = known_.index().has_key(hashes[i]);
  return waits;
}

counters log::impl::stats() const {
  std::lock_guard lock(mutex_);
  counters out;
  out.pending = known_.index().size();
  out.pending_bytes = known_.index().bytes();
  out.appended = commits_.appended();
  out.delivered = delivered_;
  out.permanent_failures = failed_;
  out.dead_letters = known_.dead_letter_count();
  out.crc_failures = found_.crc_failures + unreadable_;
  out.integrity_failures = found_.integrity_failures;
  out.torn_lines = found_.torn;
  out.malformed_lines = found_.malformed;
  out.sentinel_failures = found_.sentinel_failures;
  out.undecodable_lines = found_.undecodable;
  out.quarantined = quarantined_;
  out.replayed = replayed_;
  out.syncs = commits_.syncs();
  out.bytes_written = commits_.bytes_written();
  out.segments = known_.segment_count();
  if (auto oldest = known_.index().oldest_seconds()) out.oldest_pending_seconds = age(*oldest);
  return out;
}

std::vector<destination_backlog> log::impl::backlogs() const {
  std::lock_guard lock(mutex_);
  std::vector<destination_backlog> all;
  for (auto& one : known_.index().backlogs()) {
    all.push_back({std::move(one.destination), one.entries, age(one.oldest_seconds)});
  }
  return all;
}

double log::impl::age(std::uint32_t unix_seconds) const {
  const auto now = std::chrono::duration<double>(how_.clock().time_since_epoch()).count();
  return std::max(0.0, now - unix_seconds);
}

std::string log::impl::current_segment() const {
  std::lock_guard lock(mutex_);
  return known_.newest() ? known_.newest()->name : std::string{};
}

}  // namespace nexus::wal
