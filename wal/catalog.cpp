#include "wal/catalog.hpp"

#include <algorithm>
#include <tuple>

namespace nexus::wal {
namespace {

bool before(const location& a, const location& b) {
  return std::tie(a.segment, a.offset) < std::tie(b.segment, b.offset);
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

void catalog::add_pending(const entry_name& name, location where, std::uint32_t seconds) {
  index_.add(name, where, seconds, [&](location with) { return shares_key(name, with); });
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
      add_pending(line.head.name, place_of(in, line), line.head.seconds);
    else if (status == core::status::permanent_failure)
      add_dead_letter(line, place_of(in, line));
  }
}

void catalog::add_dead_letter(const scanned_line& line, location where) {
  const auto id = index_.hash_id(line.head.name.payload_id, line.head.name.destination);
  // A crash between copying a segment's dead letters and removing the segment leaves both.
  for (const auto& place : dead_[id])
    if (place.segment == dead_letter_number && where.segment != dead_letter_number &&
        was_moved(line, place))
      return;
  add_dead(id, where);
}

void catalog::add_dead(const id_hash& id, location where) {
  auto& places = dead_[id];
  places.insert(std::upper_bound(places.begin(), places.end(), where, before), where);
  ++dead_count_;
}

bool catalog::has_copy(const id_hash& id, const std::string& failed_at) const {
  const auto known = dead_.find(id);
  if (known == dead_.end()) return false;
  return std::any_of(known->second.begin(), known->second.end(), [&](const location& place) {
    if (place.segment != dead_letter_number) return false;
    auto source = files_.open_read(path(at(place.segment)));
    if (!source) return false;
    line_decoder decoder(format_, dead_letter_name);
    auto copy = read_entry(**source, place, decoder);
    auto note = copy ? take_failure_note(*copy) : std::nullopt;
    return note && note->at == failed_at;
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

std::vector<std::string> catalog::apply(const status_change& change) {
  if (change.mark == core::status::redriven || change.mark == core::status::purged)
    return apply_to_dead(change);
  return apply_to_pending(change);
}

std::vector<std::string> catalog::apply_to_pending(const status_change& change) {
  std::vector<std::string> changed;
  outcome failed;
  if (change.mark == core::status::permanent_failure)
    failed = {change.mark, intern_reason(change.reason),
              core::parse_timestamp(change.at).value_or(core::time_point{})};
  for (const auto& id : change.ids) {
    for (auto& gone : index_.remove(id, change.destination)) {
      auto& in = at(gone.where.segment);
      --in.pending;
      ++in.unsettled;
      if (change.mark == core::status::permanent_failure) {
        in.exceptions[gone.where.offset] = failed;
        if (!has_copy(gone.id, change.at)) add_dead(gone.id, gone.where);
      }
      if (gone.follower_id.empty()) {
        if (changed.empty() || changed.back() != id) changed.push_back(id);
      } else if (!index_.waits(gone.follower_id, change.destination)) {
        // A mark takes all entries of its name: where another one waits, this one is not named, and
        // at worst comes back with a crash.
        changed.push_back(std::move(gone.follower_id));
      }
    }
  }
  return changed;
}

std::vector<std::string> catalog::apply_to_dead(const status_change& change) {
  std::vector<std::string> changed;
  for (const auto& id : change.ids) {
    auto known = dead_.find(index_.hash_id(id, change.destination));
    if (known == dead_.end()) continue;
    const auto oldest = known->second.front();
    known->second.erase(known->second.begin());
    if (known->second.empty()) dead_.erase(known);
    --dead_count_;
    auto& in = at(oldest.segment);
    auto [exception, is_new] = in.exceptions.try_emplace(oldest.offset);
    if (is_new) ++in.unsettled;
    exception->second.is = change.mark;
    changed.push_back(id);
  }
  return changed;
}

core::status catalog::resolve(const entry_head& head, location where) const {
  const auto& name = head.name;
  const auto stored = core::parse_status(head.status).value_or(core::status::delivered);
  if (stored != core::status::pending && stored != core::status::permanent_failure) return stored;
  const auto& in = at(where.segment);
  if (auto exception = in.exceptions.find(where.offset); exception != in.exceptions.end())
    return exception->second.is;
  if (stored == core::status::permanent_failure) return stored;
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
  for (const auto& [id, places] : dead_) all.insert(all.end(), places.begin(), places.end());
  std::sort(all.begin(), all.end(), before);
  return all;
}

bool catalog::is_dead(const id_hash& id, location where) const {
  auto known = dead_.find(id);
  return known != dead_.end() &&
         std::find(known->second.begin(), known->second.end(), where) != known->second.end();
}

bool catalog::is_dead_letter(std::string_view payload_id, std::string_view destination,
                             location where) const {
  return is_dead(index_.hash_id(payload_id, destination), where);
}

bool catalog::relocate(const entry_name& name, location from, location to) {
  if (index_.relocate(name.payload_id, name.destination, from, to)) return true;
  auto known = dead_.find(index_.hash_id(name.payload_id, name.destination));
  if (known == dead_.end()) return false;
  auto& places = known->second;
  auto place = std::find(places.begin(), places.end(), from);
  if (place == places.end()) return false;
  places.erase(place);
  places.insert(std::upper_bound(places.begin(), places.end(), to, before), to);
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
