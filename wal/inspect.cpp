#include "wal/inspect.hpp"

#include <map>
#include <memory>

#include "core/json_text.hpp"
#include "wal/catalog.hpp"
#include "wal/format.hpp"
#include "wal/recovery.hpp"

namespace nexus::wal {
namespace {

/// One look at a directory: first every line goes into a catalog, then what became of each entry is
/// counted, now that all status lines are known.
class inspector {
 public:
  inspector(const options& how, const line_format& format, selection which,
            const entry_filter& filter, const std::function<void(std::string_view)>& emit)
      : how_(how),
        format_(format),
        which_(which),
        filter_(filter),
        emit_(emit),
        known_(how.directory, *how.files, format) {}

  core::result<inspection> run() {
    auto found = read_directory(known_, how_, format_);
    if (!found) return found.reason();
    for (const auto& [number, in] : known_.segments())
      if (auto counted = count(in, *found); !counted) return counted.reason();
    if (which_ == selection::pending)
      if (auto emitted = emit_pending(); !emitted) return emitted.reason();
    sum_up(*found);
    return std::move(out_);
  }

 private:
  core::result<void> count(const segment& in, const survey& found) {
    auto& file = out_.files.emplace_back();
    file.name = in.name;
    file.bytes = in.size;
    file.settled = in.unsettled == 0;
    file.sealed = found.seals.contains(in.name);
    file.key_id = in.key_id;
    auto source = how_.files->open_read(known_.path(in));
    if (!source) return source.reason();
    line_decoder decoder(format_, in.name);
    return scan_segment(**source, in.size, decoder, [&](const scanned_line& line) {
      ++file.lines;
      if (line.kind == line_kind::status) ++out_.status_lines;
      if (is_damage(line.kind)) ++file.damaged;
      if (line.kind == line_kind::entry) count_entry(file, in, line);
    });
  }

  void count_entry(segment_inspection& file, const segment& in, const scanned_line& line) {
    const auto length = static_cast<std::uint32_t>(line.raw.text.size());
    const auto status = known_.resolve(line.head, {in.number, length, line.raw.offset});
    bool selected = which_ == selection::all;
    switch (status) {
      case core::status::pending:
        ++file.pending;
        break;
      case core::status::delivered:
        ++file.delivered;
        selected |= which_ == selection::delivered;
        break;
      case core::status::permanent_failure:
        ++file.failed;
        selected |= which_ == selection::failed;
        break;
      case core::status::redriven:
      case core::status::purged:
        ++file.given_up;
        break;
    }
    if (selected && fits(line)) emit_(line.json);
  }

  bool fits(const scanned_line& line) const {
    if (!filter_.source.empty() && line.head.name.source != filter_.source) return false;
    if (!filter_.since && !filter_.until) return true;
    const auto at = core::parse_timestamp(line.entry().timestamp);
    return at && (!filter_.since || *at >= *filter_.since) &&
           (!filter_.until || *at < *filter_.until);
  }

  core::result<void> emit_pending() {
    const auto& index = known_.index();
    std::unique_ptr<core::file> source;
    std::optional<std::uint32_t> open;
    std::optional<line_decoder> decoder;
    std::string text;
    for (auto next = index.next(0, {}); next; next = index.next(next->at + 1, {})) {
      const auto& in = known_.at(next->where.segment);
      if (open != in.number) {
        auto opened = how_.files->open_read(known_.path(in));
        if (!opened) return opened.reason();
        source = *std::move(opened);
        decoder.emplace(format_, in.name);
        open = in.number;
      }
      text.resize(next->where.length);
      auto got = source->read_at(next->where.offset, text);
      if (!got) return got.reason();
      raw_line raw;
      raw.text = text;
      const auto line = classify(raw, *decoder);
      if (*got != text.size() || line.kind != line_kind::entry)
        return core::error{core::errc::corrupt,
                           in.name + " has changed while it was read; try again"};
      if (fits(line)) emit_(line.json);
    }
    return {};
  }

  void sum_up(const survey& found) {
    for (const auto& file : out_.files) {
      out_.bytes += file.bytes;
      out_.lines += file.lines;
      out_.pending += file.pending;
      out_.delivered += file.delivered;
      out_.failed += file.failed;
    }
    out_.segments = known_.segment_count();
    out_.duplicates = out_.pending - known_.index().size();
    out_.pending = known_.index().size();
    out_.crc_failures = found.counts.crc_failures;
    out_.integrity_failures = found.counts.integrity_failures;
    out_.torn_lines = found.counts.torn;
    out_.malformed_lines = found.counts.malformed;
    out_.sentinel_failures = found.counts.sentinel_failures;
    out_.undecodable_lines = found.counts.undecodable;
    if (found.damage.empty()) return;
    const auto& first = found.damage.front();
    out_.first_damage =
        damage{known_.at(first.segment).name, first.number, first.offset, to_string(first.kind)};
  }

  const options& how_;
  const line_format& format_;
  const selection which_;
  const entry_filter& filter_;
  const std::function<void(std::string_view)>& emit_;
  catalog known_;
  inspection out_;
};

}  // namespace

core::result<inspection> inspect(const options& how, selection which, const entry_filter& filter,
                                 const std::function<void(std::string_view json)>& emit) {
  auto format = line_format::make(how);
  if (!format) return format.reason();
  return inspector(how, **format, which, filter, emit).run();
}

}  // namespace nexus::wal
