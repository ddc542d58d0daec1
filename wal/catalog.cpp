#include "wal/catalog.hpp"

#include <algorithm>
#include <tuple>

namespace nexus::wal {
namespace {

bool before(const location& a, const location& b) {
  return std::tie(a.segment, a.offset) < std::tie(b.segment, b.offset);
}

constexpr core::time_point unknown_time{};

core::time_point time_of(const std::string& timestamp) {
  return core::parse_timestamp(timestamp).value_or(unknown_time);
}

location place_of(const segment& in, const scanned_line& line) {
  return {in.number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset};
}

}  // namespace

catalog::catalog(std::string directory, core::file_system& files, const line_format& format)
    : directory_(std::move(directory)), files_(files), format_(format) {}

segment& catalog::add_segment(std::string name) {
  auto number = segments_.empty() ? dead_letter_number + 1 : segments_.rbegin()->first + 1;
  auto& added = segments_[number];
  added.number = number;
  added.name = std::move(name);
  return added;
}

segment& catalog::add_dead_letters() {
  auto& added = segments_[dead_letter_number];
  added.name = dead_letter_name;
  added.sealed = true;
  return added;
}

segment* catalog::newest() noexcept {
  if (segment_count() == 0) return nullptr;
  return &segments_.rbegin()->second;
}

bool catalog::settled_before(std::uint32_t number) const noexcept {
  return std::all_of(segments_.begin(), segments_.lower_bound(number),
                     [](const auto& one) { return one.second.unsettled == 0; });
}

void catalog::add_pending(const entry_name& name, const pending_index::name_hashes& hashes,
                          location where, std::uint32_t seconds) {
  index_.add(name, hashes, where, seconds, [&](location with) { return shares_key(name, with); });
  auto& in = at(where.segment);
  ++in.pending;
  in.newest_seconds = std::max(in.newest_seconds, seconds);
}

void catalog::add_line(segment& in, const scanned_line& line) {
  if (line.encrypted && in.key_id.empty()) in.key_id = "?";  // its header is damaged
  if (line.kind == line_kind::header) {
    in.key_id = parse_key_id(line.entry()).value_or("");
  } else if (line.kind == line_kind::status) {
    ++in.status_lines;
    if (auto change = parse_status_change(line.entry())) apply(*change);
  } else if (line.kind == line_kind::entry) {
    if (!line.is_plain() && !line.encrypted) ++in.wrapped;
    in.newest_seconds = std::max(in.newest_seconds, line.head.seconds);
    auto status = core::parse_status(line.head.status);
    if (status == core::status::pending)
      add_pending(line.head.name, index_.hashes_of(line.head.name), place_of(in, line),
                  line.head.seconds);
    else if (status == core::status::permanent_failure)
      add_dead_letter(line, place_of(in, line));
  }
}

void catalog::add_dead_letter(const scanned_line& line, location where) {
  const auto id = index_.hash_id(line.head.name.payload_id, line.head.name.destination);
  // A crash between copying a segment's dead letters and removing the segment leaves both.
  for (const auto& kept : dead_[id])
    if (kept.where.segment == dead_letter_number && where.segment != dead_letter_number &&
        was_moved(line, kept.where))
      return;
  auto failed = line.entry();
  const auto note = take_failure_note(failed);
  add_dead(id, {where, note ? time_of(note->at) : unknown_time});
}

void catalog::add_dead(const id_hash& id, dead_spot one) {
  auto& spots = dead_[id];
  const auto after =
      std::find_if(spots.begin(), spots.end(),
                   [&](const dead_spot& other) { return before(one.where, other.where); });
  spots.insert(after, one);
  ++dead_count_;
}

bool catalog::has_copy(const id_hash& id, core::time_point failed) const {
  const auto known = dead_.find(id);
  return known != dead_.end() && failed != unknown_time &&
         std::any_of(known->second.begin(), known->second.end(), [&](const dead_spot& one) {
           return one.where.segment == dead_letter_number && one.failed == failed;
         });
}

bool catalog::was_moved(const scanned_line& line, location kept) const {
  auto source = files_.open_read(path(at(kept.segment)));
  if (!source) return false;
  line_decoder decoder(format_, dead_letter_name);
  auto copy = read_entry(**source, kept, decoder);
  if (!copy) return false;
  auto original = line.entry();
  auto note = take_failure_note(original), copied = take_failure_note(*copy);
  return note && copied && note->at == copied->at && original.timestamp == copy->timestamp;
}

status_change catalog::apply(const status_change& change) {
  status_change changed{change.mark, change.destination, change.reason, {}, change.at, {}};
  if (change.mark == core::status::redriven || change.mark == core::status::purged)
    apply_to_dead(change, changed);
  else
    apply_to_pending(change, changed);
  return changed;
}

void catalog::apply_to_pending(const status_change& change, status_change& changed) {
  auto& ids = changed.ids;
  outcome failed;
  if (change.mark == core::status::permanent_failure)
    failed = {change.mark, intern_reason(change.reason), time_of(change.at)};
  for (const auto& id : change.ids) {
    for (auto& gone : index_.remove(id, change.destination)) {
      auto& in = at(gone.where.segment);
      --in.pending;
      ++in.unsettled;
      if (change.mark == core::status::permanent_failure) {
        in.exceptions[gone.where.offset] = failed;
        if (!has_copy(gone.id, failed.at)) add_dead(gone.id, {gone.where, failed.at});
      }
      if (gone.follower_id.empty()) {
        if (ids.empty() || ids.back() != id) ids.push_back(id);
      } else if (!index_.waits(gone.follower_id, change.destination)) {
        // A mark takes all entries of its name: where another one waits, this one is not named, and
        // at worst comes back with a crash.
        ids.push_back(std::move(gone.follower_id));
      }
    }
  }
}

void catalog::apply_to_dead(const status_change& change, status_change& changed) {
  for (std::size_t i = 0; i < change.ids.size(); ++i) {
    const auto& id = change.ids[i];
    const auto failed_at = change.failed_at.empty() ? std::string{} : change.failed_at[i];
    const auto where = take_dead(index_.hash_id(id, change.destination), time_of(failed_at));
    if (!where) continue;
    auto& in = at(where->segment);
    auto [exception, is_new] = in.exceptions.try_emplace(where->offset);
    if (is_new) ++in.unsettled;
    exception->second.is = change.mark;
    changed.ids.push_back(id);
    changed.failed_at.push_back(failed_at);
  }
}

std::optional<location> catalog::take_dead(const id_hash& id, core::time_point failed) {
  const auto known = dead_.find(id);
  if (known == dead_.end()) return {};
  auto& spots = known->second;
  const auto oldest = std::find_if(spots.begin(), spots.end(), [&](const dead_spot& one) {
    return one.failed == failed || one.failed == unknown_time || failed == unknown_time;
  });
  if (oldest == spots.end()) return {};
  const auto where = oldest->where;
  spots.erase(oldest);
  if (spots.empty()) dead_.erase(known);
  --dead_count_;
  return where;
}

core::status catalog::resolve(const entry_head& head, location where) const {
  const auto& name = head.name;
  const auto stored = core::parse_status(head.status).value_or(core::status::delivered);
  if (stored != core::status::pending && stored != core::status::permanent_failure) return stored;
  const auto& in = at(where.segment);
  if (auto exception = in.exceptions.find(where.offset); exception != in.exceptions.end())
    return exception->second.is;
  if (stored == core::status::permanent_failure) return stored;
  if (in.pending == 0) return core::status::delivered;
  return index_.contains(name.payload_id, name.destination, where) ? core::status::pending
                                                                   : core::status::delivered;
}

std::optional<failure_note> catalog::failure_at(location where) const {
  const auto& in = at(where.segment);
  auto exception = in.exceptions.find(where.offset);
  if (exception == in.exceptions.end() || exception->second.at == core::time_point{}) return {};
  return failure_note{core::format_timestamp(exception->second.at),
                      reasons_[exception->second.reason]};
}

std::vector<location> catalog::dead_letters() const {
  std::vector<location> all;
  for (const auto& [id, spots] : dead_)
    for (const auto& one : spots) all.push_back(one.where);
  std::sort(all.begin(), all.end(), before);
  return all;
}

bool catalog::is_dead_letter(std::string_view payload_id, std::string_view destination,
                             location where) const {
  const auto known = dead_.find(index_.hash_id(payload_id, destination));
  return known != dead_.end() &&
         std::any_of(known->second.begin(), known->second.end(),
                     [&](const dead_spot& one) { return one.where == where; });
}

bool catalog::relocate(const entry_name& name, location from, location to) {
  if (index_.relocate(name.payload_id, name.destination, from, to)) return true;
  const auto id = index_.hash_id(name.payload_id, name.destination);
  const auto known = dead_.find(id);
  if (known == dead_.end()) return false;
  auto& spots = known->second;
  const auto spot = std::find_if(spots.begin(), spots.end(),
                                 [&](const dead_spot& one) { return one.where == from; });
  if (spot == spots.end()) return false;
  const dead_spot moved{to, spot->failed};
  spots.erase(spot);
  --dead_count_;
  add_dead(id, moved);
  return true;
}

std::uint32_t catalog::intern_reason(const std::string& reason) {
  auto [known, is_new] =
      reason_numbers_.try_emplace(reason, static_cast<std::uint32_t>(reasons_.size()));
  if (is_new) reasons_.push_back(reason);
  return known->second;
}

bool catalog::shares_key(const entry_name& name, location with) const {
  const auto& in = at(with.segment);
  auto source = files_.open_read(path(in));
  if (!source) return false;
  line_decoder decoder(format_, in.name);
  auto other = read_entry(**source, with, decoder);
  return other && other->source == name.source && other->destination == name.destination &&
         other->idempotency_key == name.idempotency_key;
}

core::result<core::entry> read_entry(const core::file& source, location where,
                                     line_decoder& decoder) {
  std::string text(where.length, '\0');
  auto got = source.read_at(where.offset, text);
  if (!got) return got.reason();
  if (*got != where.length)
    return core::error{core::errc::corrupt, "the segment is shorter than it was"};
  raw_line raw;
  raw.text = text;
  auto line = classify(raw, decoder);
  if (line.kind != line_kind::entry) return not_whole_any_more(line.kind);
  return line.entry();
}

core::error not_whole_any_more(line_kind found) {
  return {core::errc::corrupt,
          std::string("a line that was whole is not any more: ") + to_string(found)};
}

}  // namespace nexus::wal
