#include "wal/log_state.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <map>

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

core::result<void> log::impl::open() {
  if (how_.integrity == integrity_mode::mac && how_.mac_key.empty())
    return core::error{core::errc::bad_config,
                       "the log's integrity mode is mac, but there is no key"};
  if (auto made = how_.files->make_directory(how_.directory); !made) return made;
  auto lock = how_.files->lock(how_.directory + "/lock");
  if (!lock) return lock.reason();
  lock_ = *std::move(lock);
  if (auto removed = remove_leftovers(); !removed) return removed;
  auto tail = read_directory(known_, how_, format_, [&](const segment&, const scanned_line& line) {
    found_.add(line.kind);
  });
  if (!tail) return tail.reason();
  auto file = repair_tail(known_, *tail, how_);
  if (!file) return file.reason();
  if (*file) {
    auto opened = commits_.exclusively([&](appender& end) -> core::result<void> {
      end.continue_with(*std::move(file));
      return {};
    });
    if (!opened) return opened;
  }
  replayed_ = known_.index().size();
  if (how_.background_maintenance) maintenance_ = std::thread([this] { run_maintenance(); });
  return {};
}

core::result<void> log::impl::check_open() const {
  std::lock_guard lock(mutex_);
  if (closed_) return closed();
  return {};
}

core::result<void> log::impl::remove_leftovers() {
  auto names = how_.files->list(how_.directory);
  if (!names) return names.reason();
  for (const auto& name : *names)
    if (is_leftover_name(name))
      if (auto removed = how_.files->remove(how_.directory + "/" + name); !removed) return removed;
  return {};
}

std::vector<core::result<void>> log::impl::append_batch(std::span<const core::entry_ptr> values) {
  std::vector<core::result<void>> outcomes(values.size());
  commit_request request;
  std::vector<std::size_t> accepted;
  accepted.reserve(values.size());
  request.items.reserve(values.size());
  std::size_t bytes = 0;
  for (const auto& value : values) bytes += usual_head_bytes + value->payload.size();
  request.lines.reserve(bytes);
  for (std::size_t i = 0; i < values.size(); ++i) {
    outcomes[i] = add_line(request, *values[i]);
    if (outcomes[i]) accepted.push_back(i);
  }
  if (accepted.empty()) return outcomes;
  commits_.commit(request);
  if (!request.outcome)
    for (auto i : accepted) outcomes[i] = request.outcome;
  return outcomes;
}

core::result<void> log::impl::add_line(commit_request& request, const core::entry& given) {
  const auto& value = as_read_back(given, request.respelled);
  auto timestamp = value.timestamp.empty() ? std::optional(core::format_timestamp(how_.clock()))
                                           : core::normalize_timestamp(value.timestamp);
  if (!timestamp)
    return core::error{core::errc::invalid_argument, "the entry's timestamp is not RFC 3339"};

  auto start = request.lines.size();
  auto refuse = [&](core::error why) {
    request.lines.resize(start);
    return why;
  };
  core::stamp set{2, core::status::pending, *timestamp};
  if (auto spelled = core::append_json(request.lines, value, set); !spelled)
    return refuse(spelled.reason());
  format_.finish_line(request.lines, start);
  auto length = request.lines.size() - start - 1;
  if (length > line_bytes_max)
    return refuse({core::errc::too_large, "the entry would need a line of " +
                                              std::to_string(length) + " bytes; the longest is " +
                                              std::to_string(line_bytes_max)});
  request.items.push_back({&value, start, length, unix_seconds(*timestamp)});
  return {};
}

core::result<std::uint64_t> log::impl::mark(status_change change) {
  change.destination = core::json::replace_invalid_utf8(std::move(change.destination));
  for (auto& id : change.ids) id = core::json::replace_invalid_utf8(std::move(id));
  commit_request request;
  std::vector<status_change> changes;
  std::uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return closed();
    // One change for each destination: the followers of an entry are followers at its own
    // destination only.
    auto destinations = change.destination.empty() ? known_.index().destinations()
                                                   : std::vector<std::string>{change.destination};
    for (auto& destination : destinations) {
      change.destination = std::move(destination);
      changes.push_back(change);
      changes.back().ids = known_.apply(change);
      count += changes.back().ids.size();
    }
    (change.mark == core::status::delivered ? delivered_ : failed_) += count;
  }
  for (auto& one : changes) add_status_lines(request, std::move(one));
  if (count == 0) return count;
  commits_.commit(request);
  if (!request.outcome) return request.outcome.reason();
  return count;
}

void log::impl::add_status_lines(commit_request& request, status_change change) const {
  auto timestamp = core::format_timestamp(how_.clock());
  auto ids = std::exchange(change.ids, {});
  for (auto at = ids.begin(); at != ids.end();) {
    auto end = at + std::min<std::ptrdiff_t>(ids.end() - at, ids_per_status_line_max);
    change.ids.assign(at, end);
    auto start = request.lines.size();
    append_json(request.lines, change, timestamp);
    format_.finish_line(request.lines, start);
    ++request.mark_lines;
    at = end;
  }
}

core::result<pending_batch> log::impl::read_pending(std::optional<std::string_view> destination,
                                                    position from, std::size_t entries_max,
                                                    std::size_t bytes_max) {
  struct wanted {
    position at;
    location where;
    const core::file* source;
    std::string name;
  };
  std::map<std::uint32_t, std::unique_ptr<core::file>> sources;
  std::vector<wanted> lines;
  pending_batch batch;
  {
    // Finding the lines and opening their files is one step: settling changes both under the same
    // mutex.
    std::lock_guard lock(mutex_);
    std::size_t bytes = 0;
    batch.next = from;
    auto next = known_.index().next(from, destination);
    for (; next && lines.size() < entries_max;
         next = known_.index().next(batch.next, destination)) {
      if (!lines.empty() && bytes + next->where.length > bytes_max) break;
      auto& source = sources[next->where.segment];
      const auto& in = known_.at(next->where.segment);
      if (!source) {
        auto opened = how_.files->open_read(known_.path(in));
        if (!opened) return opened.reason();
        source = *std::move(opened);
      }
      lines.push_back({next->at, next->where, source.get(), in.name});
      bytes += next->where.length;
      batch.next = next->at + 1;
    }
    batch.at_end = !next;
    if (batch.at_end) batch.next = known_.index().end();
  }
  for (auto& line : lines) {
    auto entry = read_entry(*line.source, line.where, format_);
    if (entry) {
      batch.entries.push_back({line.at, std::make_shared<const core::entry>(*std::move(entry))});
      continue;
    }
    if (entry.reason().code != core::errc::corrupt) return entry.reason();
    how_.log->error(line.name + " at offset " + std::to_string(line.where.offset) + ": " +
                    entry.reason().text + ": this entry is lost");
    std::lock_guard lock(mutex_);
    known_.withhold(line.at);
    ++unreadable_;
  }
  return batch;
}

counters log::impl::stats() const {
  std::lock_guard lock(mutex_);
  counters out;
  out.pending = known_.index().size();
  out.appended = commits_.appended();
  out.delivered = delivered_;
  out.permanent_failures = failed_;
  out.crc_failures = found_.crc_failures + unreadable_;
  out.integrity_failures = found_.integrity_failures;
  out.torn_lines = found_.torn;
  out.malformed_lines = found_.malformed;
  out.replayed = replayed_;
  out.syncs = commits_.syncs();
  out.bytes_written = commits_.bytes_written();
  out.segments = known_.segments().size();
  if (auto oldest = known_.index().oldest_seconds()) {
    auto now = std::chrono::duration<double>(how_.clock().time_since_epoch()).count();
    out.oldest_pending_seconds = std::max(0.0, now - *oldest);
  }
  return out;
}

std::string log::impl::current_segment() const {
  std::lock_guard lock(mutex_);
  return known_.segments().empty() ? std::string{} : known_.segments().rbegin()->second.name;
}

}  // namespace nexus::wal
