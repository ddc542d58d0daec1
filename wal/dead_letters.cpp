#include "wal/dead_letters.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "wal/recovery.hpp"

namespace nexus::wal {

bool dead_letter_filter::fits(const core::entry& value) const {
  return (source.empty() || value.source == source) &&
         (destination.empty() || value.destination == destination) &&
         (payload_ids.empty() ||
          std::find(payload_ids.begin(), payload_ids.end(), value.payload_id) != payload_ids.end());
}

std::vector<dead_place> dead_places(const catalog& known) {
  std::vector<dead_place> places;
  for (const auto& where : known.dead_letters())
    places.push_back({where, known.at(where.segment).name, known.failure_at(where)});
  return places;
}

core::result<void> read_dead_letters(const std::vector<dead_place>& places, const options& how,
                                     const line_format& format, const dead_letter_filter& which,
                                     const dead_letter_visitor& visit) {
  std::unique_ptr<core::file> source;
  std::optional<line_decoder> decoder;
  std::string_view open;
  for (const auto& place : places) {
    if (open != place.file) {
      auto opened = how.files->open_read(how.directory + "/" + place.file);
      if (!opened) return opened.reason();
      source = *std::move(opened);
      decoder.emplace(format, place.file);
      open = place.file;
    }
    auto entry = read_entry(*source, place.where, *decoder);
    if (!entry && entry.reason().code != core::errc::corrupt) return entry.reason();
    if (!entry) {
      how.log->error(place.file + " at offset " + std::to_string(place.where.offset) + ": " +
                     entry.reason().text + ": this dead letter is lost");
      continue;
    }
    if (!which.fits(*entry)) continue;
    dead_letter one{*std::move(entry), {}, {}};
    auto stored = take_failure_note(one.entry);
    if (const auto& note = stored ? stored : place.note)
      one.failed_at = note->at, one.reason = note->reason;
    one.entry.status = core::to_string(core::status::permanent_failure);
    if (auto visited = visit(std::move(one)); !visited) return visited;
  }
  return {};
}

core::result<void> read_dead_letters(const options& how, const dead_letter_filter& which,
                                     const dead_letter_visitor& visit) {
  auto format = line_format::make(how);
  if (!format) return format.reason();
  catalog known(how.directory, *how.files, **format);
  auto found = read_directory(known, how, **format);
  if (!found) return found.reason();
  return read_dead_letters(dead_places(known), how, **format, which, visit);
}

}  // namespace nexus::wal
