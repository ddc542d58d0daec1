#include "wal/retention.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "wal/settle.hpp"

namespace nexus::wal {

retention::retention(const options& how, const line_format& format, catalog& known,
                     std::mutex& guard,
                     std::function<core::result<void>(const std::string&)> before_removal)
    : how_(how),
      format_(format),
      known_(known),
      guard_(guard),
      before_removal_(std::move(before_removal)) {}

core::result<void> retention::run() {
  if (how_.retain_delivered_hours < 0) return {};
  // One after the other: with an old segment gone, the next one may have become due.
  for (std::uint32_t after = dead_letter_number;;) {
    const auto due = next_due(after);
    if (!due) return {};
    if (auto removed = remove(*due); !removed) return removed;
    after = *due;
  }
}

std::optional<std::uint32_t> retention::next_due(std::uint32_t after) const {
  std::lock_guard lock(guard_);
  auto& segments = known_.segments();
  for (auto at = segments.upper_bound(after); at != segments.end(); ++at) {
    if (is_due(at->second)) return at->first;
    if (format_.signs()) break;
  }
  return {};
}

bool retention::is_due(const segment& in) const {
  // Its status lines may be all that tells what has become of older entries.
  if (!in.sealed || in.pending > 0 || !known_.settled_before(in.number)) return false;
  if (how_.retain_delivered_hours == 0) return true;
  if (in.unsettled > 0) return false;
  auto changed = how_.files->modified_at(known_.path(in));
  return changed && how_.clock() - *changed >= std::chrono::hours(how_.retain_delivered_hours);
}

core::result<void> retention::remove(std::uint32_t number) {
  if (auto kept = keep_dead_letters(number); !kept) return kept;
  std::string name;
  {
    std::lock_guard lock(guard_);
    name = known_.at(number).name;
  }
  if (auto noted = before_removal_(name); !noted) return noted;
  {
    std::lock_guard lock(guard_);
    if (auto removed = how_.files->remove(known_.path(known_.at(number))); !removed) return removed;
    known_.segments().erase(number);
  }
  how_.log->debug(name + " is removed: everything in it was delivered or is a dead letter");
  return how_.files->sync_directory(how_.directory);
}

core::result<void> retention::keep_dead_letters(std::uint32_t number) {
  struct move {
    core::entry name;  ///< its ids only
    location from, to;
  };
  std::unique_lock lock(guard_);
  const auto all = known_.dead_letters();
  const bool has_some =
      std::any_of(all.begin(), all.end(), [&](const location& at) { return at.segment == number; });
  if (!has_some) return {};
  const auto& in = known_.at(number);
  const auto name = in.name, path = known_.path(in);
  const auto size = in.size;
  const auto kept = known_.segments().find(dead_letter_number);
  const auto base = kept == known_.segments().end() ? 0 : kept->second.size;
  lock.unlock();

  auto source = how_.files->open_read(path);
  if (!source) return source.reason();
  std::vector<move> moves;
  std::string lines;
  line_decoder decoder(format_, name);
  const line_encoder encoder(format_, dead_letter_name);
  if (base == 0) encoder.append_header(lines, core::format_timestamp(how_.clock()));
  auto whole = ends_in_newline(base);
  if (!whole) return whole.reason();
  if (!*whole) lines += '\n';
  auto read = scan_segment(**source, size, decoder, [&](const scanned_line& line) {
    if (line.kind != line_kind::entry) return;
    const location from{number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset};
    std::lock_guard locked(guard_);
    if (!known_.is_dead_letter(line.head.name.payload_id, line.head.name.destination, from)) return;
    auto entry = line.entry();
    move one{{}, from, {}};
    one.name.payload_id = entry.payload_id;
    one.name.destination = entry.destination;
    const auto json = settled_json(std::move(entry), core::status::permanent_failure,
                                   known_.failure_at(from), format_);
    const auto start = lines.size();
    encoder.append_line(lines, json);
    one.to = {dead_letter_number, static_cast<std::uint32_t>(lines.size() - start - 1),
              base + start};
    moves.push_back(std::move(one));
  });
  if (!read) return read;
  if (auto written = append_dead_letters(lines); !written) return written;
  lock.lock();
  for (const auto& one : moves) known_.relocate(one.name, one.from, one.to);
  auto& letters = known_.at(dead_letter_number);
  letters.newest_seconds = std::max(letters.newest_seconds, known_.at(number).newest_seconds);
  return {};
}

/// Whether another line may follow the first `size` bytes of the dead-letter file: a crash may have
/// left the last one without its newline.
core::result<bool> retention::ends_in_newline(std::uint64_t size) const {
  if (size == 0) return true;
  auto file = how_.files->open_read(how_.directory + "/" + std::string(dead_letter_name));
  if (!file) return file.reason();
  std::array<char, 1> last{};
  auto got = (*file)->read_at(size - 1, last);
  if (!got) return got.reason();
  return *got == 1 && last[0] == '\n';
}

core::result<void> retention::append_dead_letters(const std::string& lines) {
  std::uint64_t base = 0;
  std::string path = how_.directory + "/" + std::string(dead_letter_name);
  {
    std::lock_guard lock(guard_);
    auto kept = known_.segments().find(dead_letter_number);
    if (kept != known_.segments().end()) base = kept->second.size;
  }
  auto file = how_.files->open_write(path);
  if (!file && file.reason().code == core::errc::not_found) file = how_.files->create(path);
  if (!file) return file.reason();
  // Behind what counts there may be a piece of an earlier attempt.
  if (auto cut = (*file)->truncate(base); !cut) return cut;
  std::string_view piece = lines;
  if (auto written = (*file)->write_at(base, std::span(&piece, 1)); !written) return written;
  if (auto synced = (*file)->sync(); !synced) return synced;
  if (auto synced = how_.files->sync_directory(how_.directory); !synced) return synced;
  std::lock_guard lock(guard_);
  auto kept = known_.segments().find(dead_letter_number);
  auto& in = kept == known_.segments().end() ? known_.add_dead_letters() : kept->second;
  if (base == 0 && format_.encrypts()) in.key_id = format_.keys().current_id();
  in.size = base + lines.size();
  return {};
}

}  // namespace nexus::wal
