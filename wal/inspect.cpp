#include "wal/inspect.hpp"

#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/recovery.hpp"

namespace nexus::wal {
namespace {

bool selected(selection which, core::status status) {
  switch (which) {
    case selection::none:
    case selection::pending:
      return false;
    case selection::delivered:
      return status == core::status::delivered;
    case selection::failed:
      return status == core::status::permanent_failure;
    case selection::all:
      return true;
  }
  return false;
}

/// The second pass: counts what became of each entry, now that all status lines are known.
core::result<void> count_and_emit(const catalog& known, const options& how,
                                  const line_format& format, selection which,
                                  const std::function<void(std::string_view)>& emit,
                                  inspection& out) {
  std::uint64_t waiting = 0;
  for (const auto& [number, in] : known.segments()) {
    auto source = how.files->open_read(known.path(in));
    if (!source) return source.reason();
    auto read =
        scan_segment(**source, in.size, format, [&, number = number](const scanned_line& line) {
          if (line.kind != line_kind::entry) return;
          auto status = known.resolve(
              line.head,
              {number, static_cast<std::uint32_t>(line.raw.text.size()), line.raw.offset});
          if (status == core::status::pending) ++waiting;
          if (status == core::status::delivered) ++out.delivered;
          if (status == core::status::permanent_failure) ++out.failed;
          if (selected(which, status)) emit(line.json);
        });
    if (!read) return read;
  }
  out.duplicates = waiting - known.index().size();
  return {};
}

core::result<void> emit_pending(const catalog& known, const options& how, const line_format& format,
                                const std::function<void(std::string_view)>& emit) {
  std::unique_ptr<core::file> source;
  std::optional<std::uint32_t> open;
  std::string text;
  for (auto next = known.index().next(0, {}); next; next = known.index().next(next->at + 1, {})) {
    if (open != next->where.segment) {
      auto opened = how.files->open_read(known.path(known.at(next->where.segment)));
      if (!opened) return opened.reason();
      source = *std::move(opened);
      open = next->where.segment;
    }
    text.resize(next->where.length);
    auto got = source->read_at(next->where.offset, text);
    if (!got) return got.reason();
    auto parts = format.read_line(text);
    if (*got != text.size() || parts.state != line_state::whole)
      return core::error{core::errc::corrupt, known.at(next->where.segment).name +
                                                  " has changed while it was read; try again"};
    emit(parts.json);
  }
  return {};
}

}  // namespace

core::result<inspection> inspect(const options& how, selection which,
                                 const std::function<void(std::string_view json)>& emit) {
  if (how.integrity == integrity_mode::mac && how.mac_key.empty())
    return core::error{core::errc::bad_config, "integrity mode mac needs a key"};
  line_format format(how.integrity, how.mac_key, how.accept_unsigned);
  catalog known(how.directory, *how.files, format);
  line_counts counts;
  inspection out;
  auto read = read_directory(known, how, format, [&](const segment& in, const scanned_line& line) {
    counts.add(line.kind);
    if (line.kind == line_kind::status) ++out.status_lines;
    if (is_damage(line.kind) && !out.first_damage)
      out.first_damage = damage{in.name, line.raw.number, line.raw.offset, to_string(line.kind)};
  });
  if (!read) return read.reason();
  if (auto counted = count_and_emit(known, how, format, which, emit, out); !counted)
    return counted.reason();
  if (which == selection::pending)
    if (auto emitted = emit_pending(known, how, format, emit); !emitted) return emitted.reason();
  out.segments = known.segments().size();
  for (const auto& [number, in] : known.segments()) out.bytes += in.size;
  out.lines = counts.lines;
  out.pending = known.index().size();
  out.crc_failures = counts.crc_failures;
  out.integrity_failures = counts.integrity_failures;
  out.torn_lines = counts.torn;
  out.malformed_lines = counts.malformed;
  return out;
}

}  // namespace nexus::wal
