#include "wal/verify.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>
#include <utility>

#include "wal/catalog.hpp"
#include "wal/chain_walk.hpp"
#include "wal/recovery.hpp"
#include "wal/seal_check.hpp"

namespace nexus::wal {
namespace {

constexpr std::size_t findings_max = 1000;

/// So many lines without one that fits: not the lines are wrong, but the key.
constexpr std::uint64_t wrong_key_lines = 10;

/// A seal that stands in a later segment than its own. The file stays open: settling may put
/// another one in its place meanwhile.
struct stray_seal {
  std::shared_ptr<const core::file> file;
  std::string file_name;
  std::uint64_t offset = 0, bytes = 0;
  std::uint64_t lines = 0;
  std::string previous, value;
};

class verifier {
 public:
  verifier(const options& how, const line_format& format) : how_(how), format_(format) {}

  core::result<verification> run() {
    // Before the list: what the anchor tells of is there then, or was removed by retention.
    if (auto read = read_first_anchor(); !read) return read.reason();
    auto names = segment_names(*how_.files, how_.directory);
    if (!names) return names.reason();
    if (auto read = read_dead_letters(); !read) return read.reason();
    for (const auto& name : *names) {
      if (name <= removed_up_to_) continue;
      if (auto read = read_segment(name, name == names->back()); !read) return read.reason();
    }
    if (auto right = check_keys(); !right) return right.reason();
    if (format_.signs()) {
      if (auto checked = check_stray_seals(); !checked) return checked.reason();
      if (auto checked = check_chain(); !checked) return checked.reason();
    }
    for (const auto& one : segments_)
      if (one.has_file) ++(one.seal ? out_.sealed : out_.unsealed);
    return std::move(out_);
  }

 private:
  core::result<void> read_first_anchor() {
    if (!format_.signs()) return {};
    auto kept = read_anchor(how_, format_);
    if (!kept && kept.reason().code != core::errc::corrupt) return kept.reason();
    if (kept && *kept) {
      anchor_.known = **kept;
      removed_up_to_ = anchor_.known->oldest.segment;
    } else if (!kept) {
      anchor_.bad = finding{breach::bad_anchor, std::string(anchor_name), 0, 0, kept.reason().text};
    }
    return {};
  }

  /// Null: it is not there any more.
  core::result<std::shared_ptr<const core::file>> open(const std::string& name) const {
    auto file = how_.files->open_read(how_.directory + "/" + name);
    if (!file && file.reason().code == core::errc::not_found)
      return std::shared_ptr<const core::file>();
    if (!file) return file.reason();
    return std::shared_ptr<const core::file>(*std::move(file));
  }

  /// Calls `visit` for each line of the file as long as it is now. Error `bad_config` if it needs a
  /// key that is not there.
  core::result<void> scan(const core::file& source, const std::string& name,
                          const std::function<void(const scanned_line&)>& visit) const {
    auto size = source.size();
    if (!size) return size.reason();
    line_decoder decoder(format_, name);
    bool has_key = true;
    auto read = scan_segment(source, *size, decoder, [&](const scanned_line& line) {
      if (line.kind == line_kind::no_key) has_key = false;
      if (line.kind == line_kind::header)
        if (auto id = parse_key_id(line.entry()); id && !format_.keys().has(*id)) has_key = false;
      if (has_key) visit(line);
    });
    if (read && !has_key)
      return core::error{core::errc::bad_config,
                         name +
                             " is encrypted, and its key is not there: name the key's file in "
                             "key_file or previous_key_files of [daemon.wal.encryption]"};
    return read;
  }

  core::result<void> read_dead_letters() {
    const std::string name(dead_letter_name);
    auto source = open(name);
    if (!source) return source.reason();
    if (!*source) return {};
    return scan(**source, name, [&](const scanned_line& line) {
      count(line);
      if (is_damage(line.kind) && line.raw.terminated) add(damage_at(name, line));
    });
  }

  core::result<void> read_segment(const std::string& name, bool is_newest) {
    auto source = open(name);
    if (!source) return source.reason();
    if (!*source) return {};  // retention; if not, the chain shows it
    segment_facts facts;
    facts.name = name;
    facts.is_newest = is_newest;
    seal_check lines(format_, name);
    ++out_.segments;
    auto read = scan(**source, name, [&](const scanned_line& line) {
      count(line);
      if (line.kind == line_kind::seal && format_.signs())
        take_seal(line, *source, facts, lines);
      else
        take_line(line, facts, lines);
      facts.end = {line.raw.number + 1, line.raw.offset + line.raw.bytes + 1};
    });
    if (!read) return read;
    for (auto& one : lines.findings()) add(std::move(one));
    facts.uncovered = lines.first_uncovered();
    facts.may_hide_seal = lines.may_hide_seal();
    if (facts.may_hide_seal) facts.hidden_cover = lines.hidden_cover();
    if (!format_.signs() && facts.tail && !is_newest) add(*facts.tail);
    segments_.push_back(std::move(facts));
    return {};
  }

  void count(const scanned_line& line) {
    ++out_.lines;
    out_.bytes += line.raw.bytes + (line.raw.terminated ? 1 : 0);
    if (line.kind == line_kind::entry) ++out_.entries;
    if (line.kind == line_kind::quarantined) ++out_.quarantined;
    if (!line.hmac.empty()) ++signed_;
    if (line.kind == line_kind::bad_mac) ++badly_signed_;
  }

  void take_line(const scanned_line& line, segment_facts& facts, seal_check& lines) {
    if (line.kind == line_kind::entry) ++facts.entries;
    if (is_damage(line.kind)) {
      auto found = damage_at(facts.name, line);
      if (!line.raw.terminated) {
        facts.tail = std::move(found);
        return;
      }
      add(std::move(found));
    }
    if (format_.signs()) add_covered(line, lines);
  }

  void add_covered(const scanned_line& line, seal_check& lines) const {
    covered_line out{{line.raw.number, line.raw.offset}, {}};
    if (line.kind == line_kind::entry)
      out.mac = entry_mac(format_, line);
    else if (!is_damage(line.kind) && (line.kind != line_kind::quarantined || line.hmac.empty()))
      return;  // without an HMAC, anybody can say that a line was taken out
    lines.add(out);
  }

  void take_seal(const scanned_line& line, const std::shared_ptr<const core::file>& source,
                 segment_facts& facts, seal_check& lines) {
    auto found = parse_seal(line.entry());
    if (!found)
      return add({breach::damaged_line, facts.name, line.raw.number, line.raw.offset,
                  "a seal that is malformed"});
    // Seals were never written without one, whatever else is accepted.
    if (line.hmac.empty())
      add({breach::changed_line, facts.name, line.raw.number, line.raw.offset,
           "a seal without its HMAC"});
    if (anchor_.known && anchor_.known->newest.segment == found->segment &&
        anchor_.known->newest.value == found->value)
      anchor_.newest_seal_found = true;
    if (found->segment != facts.name) return keep_stray(*found, line, source, facts.name);
    lines.add_seal(*found, {line.raw.number, line.raw.offset});
    set_seal(facts, found->previous, found->value, found->lines);
  }

  static void set_seal(segment_facts& facts, const std::string& previous, const std::string& value,
                       std::uint64_t lines) {
    if (!facts.seal) facts.previous = previous;
    if (facts.previous != previous) facts.previous_differs = true;
    facts.seal = value;
    facts.sealed_lines = lines;
  }

  void keep_stray(const seal& found, const scanned_line& line,
                  const std::shared_ptr<const core::file>& source, const std::string& name) {
    if (found.segment <= removed_up_to_) return;
    auto& kept = stray_seals_[found.segment];
    if (kept.file && kept.lines > found.lines) return;
    kept = {source,      name,           line.raw.offset, line.raw.bytes,
            found.lines, found.previous, found.value};
  }

  /// Segments that could not be sealed themselves: now that their seals are known, they are read
  /// once more.
  core::result<void> check_stray_seals() {
    for (const auto& [name, stray] : stray_seals_) {
      auto at = std::find_if(segments_.begin(), segments_.end(),
                             [&, &segment = name](const auto& one) { return one.name >= segment; });
      if (at == segments_.end() || at->name != name) {
        segment_facts gone;
        gone.name = name;
        gone.has_file = false;
        at = segments_.insert(at, std::move(gone));
      } else if (at->seal && at->sealed_lines >= stray.lines) {
        continue;
      } else if (auto checked = check_stray_seal(*at, stray); !checked) {
        return checked;
      }
      set_seal(*at, stray.previous, stray.value, stray.lines);
      at->sealed_elsewhere = true;
    }
    return {};
  }

  core::result<void> check_stray_seal(segment_facts& facts, const stray_seal& stray) {
    auto source = open(facts.name);
    if (!source) return source.reason();
    if (!*source) return {};
    auto value = read_stray_seal(stray);
    if (!value) return value.reason();
    seal_check lines(format_, facts.name);
    auto read = scan(**source, facts.name, [&](const scanned_line& line) {
      if (is_damage(line.kind) && !line.raw.terminated) return;
      auto own = line.kind == line_kind::seal ? parse_seal(line.entry()) : std::nullopt;
      if (own && own->segment == facts.name)
        lines.add_seal(*own, {line.raw.number, line.raw.offset});
      else
        add_covered(line, lines);
    });
    if (!read) return read;
    const bool was_told = !lines.findings().empty();  // by a seal of its own
    lines.add_seal(*value, facts.end);
    if (!was_told)
      for (auto& one : lines.findings()) add(std::move(one));
    facts.uncovered.reset();
    facts.may_hide_seal = false;
    return {};
  }

  core::result<seal> read_stray_seal(const stray_seal& stray) const {
    std::string text(static_cast<std::size_t>(stray.bytes), '\0');
    auto got = stray.file->read_at(stray.offset, text);
    if (!got) return got.reason();
    line_decoder decoder(format_, stray.file_name);
    raw_line raw;
    raw.text = std::string_view(text).substr(0, *got);
    auto line = classify(raw, decoder);
    auto value = line.kind == line_kind::seal ? parse_seal(line.entry()) : std::nullopt;
    if (!value)
      return core::error{core::errc::io_failed,
                         stray.file_name + " has changed while it was read; try again"};
    return *std::move(value);
  }

  core::result<void> check_chain() {
    // What retention has removed in the meantime is not missing.
    if (anchor_.known) {
      auto now = read_anchor(how_, format_);
      if (!now && now.reason().code != core::errc::corrupt) return now.reason();
      if (now && *now)
        anchor_.known->oldest =
            std::max(anchor_.known->oldest, (*now)->oldest,
                     [](const seal_mark& a, const seal_mark& b) { return a.segment < b.segment; });
    } else if (!anchor_.bad && std::any_of(segments_.begin(), segments_.end(),
                                           [](const auto& one) { return one.seal.has_value(); })) {
      anchor_.bad = finding{breach::bad_anchor, std::string(anchor_name), 0, 0,
                            "the anchor is missing: what was removed at either end can't be told"};
    }
    for (auto& one : walk_chain(segments_, anchor_, format_)) add(std::move(one));
    return {};
  }

  core::result<void> check_keys() const {
    if (signed_ > 0 || badly_signed_ < wrong_key_lines) return {};
    return core::error{core::errc::bad_config,
                       "none of the " + std::to_string(badly_signed_) + " signed lines in " +
                           how_.directory + " fits the MAC key: they were signed with another one"};
  }

  static finding damage_at(const std::string& name, const scanned_line& line) {
    const bool is_change = line.kind == line_kind::bad_mac || line.kind == line_kind::missing_mac;
    return {is_change ? breach::changed_line : breach::damaged_line, name, line.raw.number,
            line.raw.offset, to_string(line.kind)};
  }

  /// Keeps the findings in the order of the log.
  void add(finding found) {
    ++out_.breaches;
    auto before = [](const finding& a, const finding& b) {
      return std::tie(a.segment, a.line) < std::tie(b.segment, b.line);
    };
    auto& all = out_.findings;
    if (all.size() == findings_max) {
      if (!before(found, all.back())) return;
      all.pop_back();
    }
    all.insert(std::upper_bound(all.begin(), all.end(), found, before), std::move(found));
  }

  const options& how_;
  const line_format& format_;
  anchor_facts anchor_;
  std::string removed_up_to_;  ///< by the anchor: the segment, or empty
  std::vector<segment_facts> segments_;
  std::map<std::string, stray_seal> stray_seals_;  ///< by the segment that they are of
  std::uint64_t signed_ = 0, badly_signed_ = 0;
  verification out_;
};

}  // namespace

const char* to_string(breach what) noexcept {
  switch (what) {
    case breach::damaged_line:
      return "damaged line";
    case breach::changed_line:
      return "changed line";
    case breach::removed_line:
      return "removed line";
    case breach::repeated_line:
      return "repeated line";
    case breach::moved_line:
      return "moved line";
    case breach::added_line:
      return "added line";
    case breach::cut_off:
      return "cut off";
    case breach::missing_seal:
      return "missing seal";
    case breach::removed_segment:
      return "removed segment";
    case breach::bad_anchor:
      return "bad anchor";
  }
  return "";
}

core::result<verification> verify(const options& how) {
  auto format = line_format::make(how);
  if (!format) return format.reason();
  return verifier(how, **format).run();
}

}  // namespace nexus::wal
