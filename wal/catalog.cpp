#include "wal/catalog.hpp"

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

void catalog::add_pending(const entry_name& name, location where, std::uint32_t seconds) {
  index_.add(name, where, seconds, [&](location with) { return shares_key(name, with); });
  ++at(where.segment).pending;
}

void catalog::add_line(segment& in, const scanned_line& line) {
  if (line.is_pending()) {
    add_pending(line.head.name,
                {in.number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset},
                line.head.seconds);
  } else if (line.kind == line_kind::status) {
    ++in.status_lines;
    if (auto change = parse_status_change(line.entry())) apply(*change);
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

core::status catalog::resolve(const entry_head& head, location where) const {
  const auto& name = head.name;
  auto stored = core::parse_status(head.status);
  if (stored != core::status::pending) return stored.value_or(core::status::delivered);
  if (index_.contains(name.payload_id, name.destination, where)) return core::status::pending;
  const auto& in = at(where.segment);
  return in.failed.contains(index_.hash_id(name.payload_id, name.destination))
             ? core::status::permanent_failure
             : core::status::delivered;
}

bool catalog::shares_key(const entry_name& name, location with) const {
  auto source = files_.open_read(path(at(with.segment)));
  if (!source) return false;
  auto other = read_entry(**source, with, format_);
  return other && other->source == name.source && other->destination == name.destination &&
         other->idempotency_key == name.idempotency_key;
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
  return line.entry();
}

}  // namespace nexus::wal
