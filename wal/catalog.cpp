#include "wal/catalog.hpp"

#include <algorithm>
#include <limits>

#include "core/timestamp.hpp"

namespace nexus::wal {
catalog::catalog(std::string directory, core::file_system& files, const line_format& format)
    : directory_(std::move(directory)), files_(files), format_(format) {}

segment& catalog::add_segment(std::string name) {
  auto number = segments_.empty() ? 0 : segments_.rbegin()->first + 1;
  auto& added = segments_[number];
  added.number = number;
  added.name = std::move(name);
  return added;
}

void catalog::add_pending(const core::entry& entry, location where, std::uint32_t seconds) {
  index_.add(entry, where, seconds, [&](location with) { return shares_key(entry, with); });
  ++at(where.segment).pending;
}

void catalog::add_line(segment& in, const scanned_line& line) {
  if (line.kind == line_kind::entry &&
      line.entry.status == core::to_string(core::status::pending)) {
    add_pending(line.entry,
                {in.number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset},
                unix_seconds(line.entry.timestamp));
  } else if (line.kind == line_kind::status) {
    ++in.status_lines;
    if (auto change = parse_status_change(line.entry)) apply(*change);
  }
}

std::vector<std::string> catalog::apply(const status_change& change) {
  std::vector<std::string> changed;
  for (const auto& id : change.ids) {
    for (auto& gone : index_.remove(id, change.destination)) {
      auto& in = at(gone.where.segment);
      --in.pending;
      ++in.unsettled;
      if (change.mark == core::status::permanent_failure) in.failed.insert(gone.id);
      if (!gone.follower_id.empty())
        changed.push_back(std::move(gone.follower_id));
      else if (changed.empty() || changed.back() != id)
        changed.push_back(id);
    }
  }
  return changed;
}

core::status catalog::resolve(const core::entry& entry, location where) const {
  auto stored = core::parse_status(entry.status);
  if (stored != core::status::pending) return stored.value_or(core::status::delivered);
  if (index_.contains(entry.payload_id, entry.destination, where)) return core::status::pending;
  const auto& in = at(where.segment);
  return in.failed.contains(index_.hash_id(entry.payload_id, entry.destination))
             ? core::status::permanent_failure
             : core::status::delivered;
}

bool catalog::shares_key(const core::entry& entry, location with) const {
  auto source = files_.open_read(path(at(with.segment)));
  if (!source) return false;
  auto other = read_entry(**source, with, format_);
  return other && other->source == entry.source && other->destination == entry.destination &&
         other->idempotency_key == entry.idempotency_key;
}

std::uint32_t unix_seconds(std::string_view timestamp) {
  auto when = core::parse_timestamp(timestamp);
  if (!when) return 0;
  auto seconds = std::chrono::floor<std::chrono::seconds>(*when).time_since_epoch().count();
  return seconds < 0 || seconds > std::numeric_limits<std::uint32_t>::max()
             ? 0
             : static_cast<std::uint32_t>(seconds);
}

core::result<core::entry> read_entry(const core::file& source, location where,
                                     const line_format& format) {
  std::string text(where.length, '\0');
  auto got = source.read_at(where.offset, text);
  if (!got) return got.reason();
  if (*got != where.length)
    return core::error{core::errc::corrupt, "the segment is shorter than it was"};
  raw_line raw;
  raw.text = text;
  auto line = classify(raw, format);
  if (line.kind != line_kind::entry)
    return core::error{core::errc::corrupt, std::string("a line that was whole is not any more: ") +
                                                to_string(line.kind)};
  return std::move(line.entry);
}

}  // namespace nexus::wal
