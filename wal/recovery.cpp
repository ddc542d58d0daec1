#include "wal/recovery.hpp"

#include <algorithm>

#include "wal/appender.hpp"
#include "wal/segment_name.hpp"

namespace nexus::wal {
namespace {

constexpr std::uint64_t progress_bytes = 64 << 20;

void report(const options& how, const segment& in, const scanned_line& line) {
  if (!is_damage(line.kind)) return;
  how.log->warn(in.name + ":" + std::to_string(line.raw.number) + ": " + to_string(line.kind) +
                ", " + std::to_string(line.raw.bytes) + " bytes at offset " +
                std::to_string(line.raw.offset) + ": skipped");
  if (line.kind == line_kind::bad_mac && how.on_security_event)
    how.on_security_event({"wal_tamper_detected", how.directory + "/" + in.name, line.raw.number});
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

core::result<log_tail> read_directory(catalog& known, const options& how, const line_format& format,
                                      const line_visitor& visit) {
  auto names = segment_names(*how.files, how.directory);
  if (!names) return names.reason();
  log_tail tail;
  std::uint64_t total = 0, done = 0, reported = 0;
  std::vector<std::pair<std::string, std::uint64_t>> sizes;
  for (const auto& name : *names) {
    auto file = how.files->open_read(how.directory + "/" + name);
    if (!file) return file.reason();
    auto size = (*file)->size();
    if (!size) return size.reason();
    sizes.emplace_back(name, *size);
    total += *size;
  }
  for (const auto& [name, size] : sizes) {
    auto& in = known.add_segment(name);
    in.size = size;
    in.sealed = true;
    auto file = how.files->open_read(known.path(in));
    if (!file) return file.reason();
    tail = {};
    auto read = scan_segment(**file, size, format, [&](const scanned_line& line) {
      report(how, in, line);
      visit(in, line);
      known.add_line(in, line);
      if (line.raw.terminated || !is_damage(line.kind))
        tail = {line.raw.offset + line.raw.bytes + (line.raw.terminated ? 1 : 0),
                !line.raw.terminated};
      auto now_at = done + line.raw.offset;
      if (how.on_progress && now_at >= reported + progress_bytes)
        how.on_progress(reported = now_at, total);
    });
    if (!read) return read.reason();
    done += size;
  }
  if (how.on_progress && reported > 0) how.on_progress(total, total);
  return tail;
}

core::result<std::unique_ptr<core::file>> repair_tail(catalog& known, log_tail tail,
                                                      const options& how) {
  if (known.segments().empty()) return std::unique_ptr<core::file>{};
  auto& newest = known.at(known.segments().rbegin()->first);
  auto file = how.files->open_write(known.path(newest));
  if (!file) return file;
  if (tail.end < newest.size)
    if (auto cut = (*file)->truncate(tail.end); !cut) return cut.reason();
  if (tail.needs_newline) {
    std::string_view newline = "\n";
    if (auto written = (*file)->write_at(tail.end, std::span(&newline, 1)); !written)
      return written.reason();
    ++tail.end;
  }
  newest.size = tail.end;
  auto full = newest.size >= segment_bytes_max(how);
  if (!full) preallocate(**file, how);
  if (auto synced = (*file)->sync(); !synced) return synced.reason();
  if (auto synced = how.files->sync_directory(how.directory); !synced) return synced.reason();
  if (full) return std::unique_ptr<core::file>{};
  newest.sealed = false;
  return file;
}

}  // namespace nexus::wal
