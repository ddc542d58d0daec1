#include "wal/recovery.hpp"

#include <algorithm>
#include <functional>

#include "wal/appender.hpp"
#include "wal/quarantine.hpp"
#include "wal/segment_name.hpp"
#include "wal/settle.hpp"

namespace nexus::wal {
namespace {

constexpr std::uint64_t progress_bytes = 64 << 20;

/// So many signed lines without one that fits: not the lines are wrong, but the key.
constexpr std::uint64_t wrong_key_lines = 10;

/// So many damaged lines of a segment are told one by one.
constexpr std::uint64_t told_lines_max = 10;

/// Whether a write that was cut off may have left such a line.
bool may_be_torn(line_kind kind) {
  return kind == line_kind::torn || kind == line_kind::bad_crc || kind == line_kind::bad_sentinel;
}

/// Reads one file of the log.
class file_survey {
 public:
  file_survey(segment& in, catalog& known, const line_format& format, survey& all)
      : in_(in), known_(known), format_(format), all_(all) {}

  core::result<void> run(const core::file& source, const std::function<void(std::uint64_t)>& at) {
    line_decoder decoder(format_, in_.name);
    auto read = scan_segment(source, in_.size, decoder, [&](const scanned_line& line) {
      if (refused_) return;
      take(line);
      at(line.raw.offset);
    });
    if (refused_) return *refused_;
    return read;
  }

  /// The end of the newest segment: what is torn there, and where writing may go on.
  void judge_tail() {
    const auto unterminated = ends_in_a_line_ && !good_.needs_newline;
    const bool killed = unterminated || good_.needs_newline || end_ < in_.size;
    log_tail tail = good_;
    for (auto one = all_.damage.begin() + static_cast<std::ptrdiff_t>(first_damage_);
         one != all_.damage.end(); ++one) {
      if (killed && one->offset >= synced_ && may_be_torn(one->kind)) one->unsynced = true;
      if (one->offset < good_.end) continue;
      const bool is_last = one->offset + one->bytes == end_;
      one->cut = one->unsynced || (is_last && unterminated);
      if (!one->cut) tail = {one->offset + one->bytes + 1, false};
    }
    all_.tail = tail;
    all_.noted = synced_;
  }

 private:
  void take(const scanned_line& line) {
    ends_in_a_line_ = !line.raw.terminated;
    end_ = line.raw.offset + line.raw.bytes + (line.raw.terminated ? 1 : 0);
    if (check_key(line)) return;
    if (line.encrypted) ++(is_damage(line.kind) ? all_.undecrypted_lines : all_.decrypted_lines);
    if (is_damage(line.kind)) {
      all_.damage.push_back({in_.number, line.kind, line.raw.number, line.raw.offset,
                             line.raw.bytes, line.raw.too_long, false, false});
      return;
    }
    good_ = {end_, !line.raw.terminated};
    ++all_.counts.lines;
    if (!line.hmac.empty()) ++all_.counts.signed_lines;
    if (line.kind == line_kind::synced)
      synced_ = std::max(synced_, parse_synced(line.entry()).value_or(0));
    if (line.kind == line_kind::seal)
      if (auto found = parse_seal(line.entry())) {
        all_.seal_values.insert(found->value);
        all_.seals[found->segment] = std::move(*found);
      }
    known_.add_line(in_, line);
  }

  /// A key that is missing is no damage: the lines are fine.
  bool check_key(const scanned_line& line) {
    std::string what;
    if (line.kind == line_kind::header) {
      auto id = parse_key_id(line.entry());
      if (!id || format_.keys().has(*id)) return false;
      what = " is encrypted with the key " + *id;
    } else if (line.kind == line_kind::no_key) {
      what = " is encrypted";
    } else {
      return false;
    }
    refused_ = core::error{
        core::errc::bad_config,
        in_.name + ":" + std::to_string(line.raw.number) + what +
            ", and that key is not there: name its file in key_file or previous_key_files of "
            "[daemon.wal.encryption]"};
    return true;
  }

  segment& in_;
  catalog& known_;
  const line_format& format_;
  survey& all_;
  const std::size_t first_damage_ = all_.damage.size();
  std::optional<core::error> refused_;
  log_tail good_;          ///< of the last line that is whole
  std::uint64_t end_ = 0;  ///< of the last line
  std::uint64_t synced_ = 0;
  bool ends_in_a_line_ = false;
};

std::string reason_of(const damaged_line& line) {
  return std::string(to_string(line.kind)) +
         (line.unsynced ? ", in a write that was under way when the program was killed" : "");
}

/// The files to read, oldest first.
core::result<std::vector<std::uint32_t>> add_files(catalog& known, const options& how,
                                                   std::uint64_t& total) {
  auto names = how.files->list(how.directory);
  if (!names) return names.reason();
  if (std::find(names->begin(), names->end(), dead_letter_name) != names->end())
    known.add_dead_letters();
  auto segments = segment_names(*how.files, how.directory);
  if (!segments) return segments.reason();
  for (const auto& name : *segments) known.add_segment(name).sealed = true;
  std::vector<std::uint32_t> numbers;
  for (auto& [number, in] : known.segments()) {
    auto file = how.files->open_read(known.path(in));
    if (!file) return file.reason();
    auto size = (*file)->size();
    if (!size) return size.reason();
    in.size = *size;
    total += *size;
    numbers.push_back(number);
  }
  return numbers;
}

core::result<void> check_mac_key(const survey& found, const options& how,
                                 const line_format& format) {
  const auto wrong = static_cast<std::uint64_t>(
      std::count_if(found.damage.begin(), found.damage.end(),
                    [](const auto& line) { return line.kind == line_kind::bad_mac; }));
  if (found.counts.signed_lines > 0 || wrong == 0) return {};
  if (wrong < wrong_key_lines) {
    // Of so few lines all may have been changed; that the anchor does not fit either is the key.
    auto kept = read_anchor(how, format);
    if (kept || kept.reason().code != core::errc::corrupt) return {};
  }
  return core::error{core::errc::bad_config,
                     "none of the " + std::to_string(wrong) + " signed lines in " + how.directory +
                         " fits the MAC key: they were signed with another one"};
}

core::result<void> check_encryption_key(const survey& found, const options& how) {
  if (found.decrypted_lines > 0 || found.undecrypted_lines == 0) return {};
  return core::error{core::errc::bad_config,
                     "none of the " + std::to_string(found.undecrypted_lines) +
                         " encrypted lines in " + how.directory +
                         " fits a key: they need another one in key_file or previous_key_files of "
                         "[daemon.wal.encryption]"};
}

}  // namespace

core::result<std::vector<std::string>> segment_names(core::file_system& files,
                                                     const std::string& directory) {
  auto names = files.list(directory);
  if (!names) return names;
  std::erase_if(*names, [](const std::string& name) { return !is_segment_name(name); });
  std::sort(names->begin(), names->end());  // byte by byte, as the reference orders them
  return names;
}

core::result<survey> read_directory(catalog& known, const options& how, const line_format& format) {
  survey found;
  std::uint64_t total = 0, done = 0, reported = 0;
  auto numbers = add_files(known, how, total);
  if (!numbers) return numbers.reason();
  for (auto number : *numbers) {
    auto& in = known.at(number);
    auto file = how.files->open_read(known.path(in));
    if (!file) return file.reason();
    // A running server may have settled the file since it was listed.
    auto size = (*file)->size();
    if (!size) return size.reason();
    in.size = *size;
    file_survey one(in, known, format, found);
    auto read = one.run(**file, [&](std::uint64_t offset) {
      if (how.on_progress && done + offset >= reported + progress_bytes)
        how.on_progress(reported = done + offset, total);
    });
    if (!read) return read.reason();
    if (known.newest() == &in || number == dead_letter_number) one.judge_tail();
    if (number == dead_letter_number) in.size = std::exchange(found.tail, {}).end;
    done += in.size;
  }
  for (const auto& line : found.damage)
    found.counts.add(line.unsynced ? line_kind::torn : line.kind);
  if (auto fits = check_mac_key(found, how, format); !fits) return fits.reason();
  if (auto fits = check_encryption_key(found, how); !fits) return fits.reason();
  if (how.on_progress && reported > 0) how.on_progress(total, total);
  return found;
}

void report_damage(const catalog& known, const survey& found, const options& how) {
  std::map<std::uint32_t, std::uint64_t> told;
  for (const auto& line : found.damage) {
    const auto& in = known.at(line.segment);
    if (line.kind == line_kind::bad_mac && how.on_security_event)
      how.on_security_event({"wal_tamper_detected", known.path(in), line.number});
    const auto count = ++told[line.segment];
    if (count <= told_lines_max)
      how.log->warn(in.name + ":" + std::to_string(line.number) + ": " + reason_of(line) + ", " +
                    std::to_string(line.bytes) + " bytes at offset " + std::to_string(line.offset) +
                    ": skipped");
  }
  for (const auto& [number, count] : told)
    if (count > told_lines_max)
      how.log->warn(known.at(number).name + ": " + std::to_string(count - told_lines_max) +
                    " more lines like these; `nexus wal verify` tells how many there are");
}

core::result<std::uint64_t> quarantine_damage(const catalog& known, const survey& found,
                                              const options& how) {
  quarantine copies(how);
  std::unique_ptr<core::file> source;
  std::optional<std::uint32_t> open;
  for (const auto& line : found.damage) {
    // The piece that every kill may leave at the end says nothing to anybody.
    if (line.cut && line.kind == line_kind::torn && &line == &found.damage.back()) continue;
    const auto& in = known.at(line.segment);
    if (open != line.segment) {
      auto opened = how.files->open_read(known.path(in));
      if (!opened) return opened.reason();
      source = *std::move(opened);
      open = line.segment;
    }
    raw_line raw;
    raw.offset = line.offset;
    raw.bytes = line.bytes;
    raw.number = line.number;
    raw.too_long = line.too_long;
    if (auto copied = copies.add(*source, in.name, raw, reason_of(line)); !copied)
      return copied.reason();
  }
  if (auto synced = copies.sync(); !synced) return synced.reason();
  return copies.added();
}

core::result<std::unique_ptr<core::file>> repair_tail(catalog& known, const log_tail& tail,
                                                      const options& how,
                                                      const line_format& format) {
  auto* newest = known.newest();
  if (!newest) return std::unique_ptr<core::file>{};
  auto file = how.files->open_write(known.path(*newest));
  if (!file) return file;
  if (tail.end < newest->size)
    if (auto cut = (*file)->truncate(tail.end); !cut) return cut.reason();
  newest->size = tail.end;
  if (tail.needs_newline) {
    std::string_view newline = "\n";
    if (auto written = (*file)->write_at(tail.end, std::span(&newline, 1)); !written)
      return written.reason();
    ++newest->size;
  }
  const bool goes_on = newest->size < segment_bytes_max(how) && has_current_key(*newest, format);
  if (goes_on) preallocate(**file, how);
  if (auto synced = (*file)->sync(); !synced) return synced.reason();
  if (auto synced = how.files->sync_directory(how.directory); !synced) return synced.reason();
  if (!goes_on) return std::unique_ptr<core::file>{};
  newest->sealed = false;
  return file;
}

core::result<std::uint64_t> remove_leftovers(const options& how) {
  auto names = how.files->list(how.directory);
  if (!names) return names.reason();
  std::uint64_t removed = 0;
  for (const auto& name : *names) {
    if (!is_leftover_name(name)) continue;
    if (auto gone = how.files->remove(how.directory + "/" + name); !gone) return gone.reason();
    ++removed;
  }
  return removed;
}

}  // namespace nexus::wal
