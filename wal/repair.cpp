#include "wal/repair.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>

#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/recovery.hpp"
#include "wal/segment_name.hpp"
#include "wal/settle.hpp"

namespace nexus::wal {
namespace {

repair_report report_of(const catalog& known, const survey& found) {
  repair_report out;
  for (const auto& line : found.damage) {
    if (line.cut)
      out.torn_bytes += line.bytes;
    else
      out.lines.push_back({known.at(line.segment).name, line.number, line.offset, line.bytes,
                           to_string(line.kind)});
  }
  return out;
}

core::result<std::uint64_t> count_leftovers(const options& how) {
  auto names = how.files->list(how.directory);
  if (!names) return names.reason();
  return static_cast<std::uint64_t>(
      std::count_if(names->begin(), names->end(),
                    [](const std::string& name) { return is_leftover_name(name); }));
}

core::result<void> take_out(catalog& known, const survey& found, const options& how,
                            const line_format& format) {
  std::mutex guard;
  std::set<std::uint32_t> files;
  for (const auto& line : found.damage)
    if (!line.cut) files.insert(line.segment);
  for (auto number : files) {
    auto rewritten = settle_segment(number, known, guard, how, format, damaged_lines::drop);
    if (!rewritten) return rewritten;
  }
  return {};
}

}  // namespace

core::result<repair_report> repair(const options& how, bool dry_run) {
  auto format = line_format::make(how);
  if (!format) return format.reason();
  auto leftovers = count_leftovers(how);  // before the lock, which would create its file
  if (!leftovers) return leftovers.reason();
  std::unique_ptr<core::file_lock> lock;
  if (!dry_run) {
    auto taken = how.files->lock(how.directory + "/lock");
    if (!taken) return taken.reason();
    lock = *std::move(taken);
  }
  catalog known(how.directory, *how.files, **format);
  auto found = read_directory(known, how, **format);
  if (!found) return found.reason();
  auto report = report_of(known, *found);
  report.leftovers = *leftovers;
  if (dry_run) return report;
  if (auto removed = remove_leftovers(how); !removed) return removed.reason();
  auto copied = quarantine_damage(known, *found, how);
  if (!copied) return copied.reason();
  report.quarantined = *copied;
  auto file = repair_tail(known, found->tail, how, **format);
  if (!file) return file.reason();
  if (*file)  // nobody is going to write to it now
    if (auto cut = (*file)->truncate(known.newest()->size); !cut) return cut.reason();
  if (auto done = take_out(known, *found, how, **format); !done) return done.reason();
  return report;
}

}  // namespace nexus::wal
