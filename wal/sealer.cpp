#include "wal/sealer.hpp"

#include <algorithm>
#include <utility>

namespace nexus::wal {

core::result<bool> sealer::resume(const catalog& known, const survey& found) {
  if (!format_.signs()) return true;
  if (auto begun = begin_anchor(found); !begun) return begun.reason();
  if (!anchor_.oldest.segment.empty()) previous_ = anchor_.oldest.value;
  bool goes_on = true;
  bool lacks_newest = lost_newest(known);
  if (lacks_newest) report(anchor_.newest.segment, "was sealed last, and is gone");
  for (const auto& [number, in] : known.segments()) {
    if (number == dead_letter_number) continue;
    // Retention has removed it, and a power cut has brought it back: the chain begins behind it.
    if (in.name <= anchor_.oldest.segment) continue;
    if (lacks_newest && in.name > anchor_.newest.segment) {
      previous_ = anchor_.newest.value;
      lacks_newest = false;
    }
    const auto stored = found.seals.find(in.name);
    const auto* sealed = stored == found.seals.end() ? nullptr : &stored->second;
    if (sealed) values_[in.name] = sealed->value;
    if (lost_seal(in, found)) {
      // A new seal would cover up what was done to it.
      report(in.name, "was sealed, and its seal is gone");
      if (in.name == anchor_.newest.segment)
        previous_ = anchor_.newest.value;  // the gap stays in the chain
      else if (sealed)
        previous_ = sealed->value;
      goes_on = goes_on && in.sealed;
      continue;
    }
    // Only behind the last seal of all may there be lines without one: a crash came between.
    const bool is_closed = in.sealed && sealed && in.name != found.seals.rbegin()->first;
    auto lines = is_closed ? core::result<std::optional<chain>>(std::optional<chain>{})
                           : read_chain(known, in, sealed);
    if (!lines) return lines.reason();
    if (!*lines && !is_closed) {
      report_difference(in, found);
      goes_on = goes_on && in.sealed;
    }
    take_up(in, sealed, std::move(*lines));
  }
  // The chain goes on behind what is gone: then the gap stays in it, whatever is sealed from now
  // on.
  if (lacks_newest) previous_ = anchor_.newest.value;
  return goes_on;
}

/// The state of the chain behind one segment; `lines`: its entries, where they are what its seal
/// says and were read.
void sealer::take_up(const segment& in, const seal* sealed, std::optional<chain> lines) {
  if (lines && !in.sealed) {
    sealed_lines_ = sealed ? std::optional(sealed->lines) : std::nullopt;
    chain_ = std::move(lines);
  } else if (lines && (!sealed || lines->lines() > sealed->lines)) {
    auto owed = lines->seal_now(format_);
    owed_lines_ += line_of(owed);
    previous_ = values_[in.name] = owed.value;
  } else if (sealed) {
    previous_ = sealed->value;
  }
}

/// From the first opening on there is always an anchor: where one is missing later, somebody has
/// removed it.
core::result<void> sealer::begin_anchor(const survey& found) {
  auto kept = read_anchor(how_, format_);
  if (!kept && kept.reason().code != core::errc::corrupt) return kept.reason();
  if (!kept) {
    how_.log->error(kept.reason().text);
    report(std::string(anchor_name), "is not what the log has written");
  } else if (*kept) {
    anchor_ = **kept;
    // It may be under a former key, and must not be lost when that one is taken away.
    if (format_.keys().has_former()) keep_anchor();
  } else if (!found.seals.empty()) {
    report(std::string(anchor_name), "is gone");
  } else {
    keep_anchor();
  }
  return {};
}

/// An anchor that lags behind is made good by the next one.
void sealer::keep_anchor() const {
  if (auto written = write_anchor(how_, format_, anchor_); !written)
    how_.log->warn("the anchor of the log's seals: " + written.reason().text);
}

/// Whether the anchor knows of a seal of that segment that is not there.
bool sealer::lost_seal(const segment& in, const survey& found) const {
  if (in.name > anchor_.newest.segment) return false;
  return !found.seals.contains(in.name) ||
         (in.name == anchor_.newest.segment && !found.seal_values.contains(anchor_.newest.value));
}

/// Whether the segment that the anchor says was sealed last is gone, and not by retention.
bool sealer::lost_newest(const catalog& known) const {
  if (anchor_.newest.segment <= anchor_.oldest.segment) return false;
  return std::none_of(known.segments().begin(), known.segments().end(),
                      [&](const auto& one) { return one.second.name == anchor_.newest.segment; });
}

/// A damaged line explains itself; what is whole and still not what was sealed is somebody's work.
void sealer::report_difference(const segment& in, const survey& found) const {
  const bool is_damaged = std::any_of(found.damage.begin(), found.damage.end(),
                                      [&](const auto& one) { return one.segment == in.number; });
  if (is_damaged)
    how_.log->warn(in.name + " is damaged within what its seal covers: nothing is added to it");
  else
    report(in.name, "does not hold the lines that its seal covers");
}

void sealer::report(const std::string& segment, const char* what) const {
  how_.log->error(segment + " " + what + ": `nexus wal verify` says more");
  if (how_.on_security_event)
    how_.on_security_event({"wal_tamper_detected", how_.directory + "/" + segment, 0});
}

core::result<std::optional<chain>> sealer::read_chain(const catalog& known, const segment& in,
                                                      const seal* sealed) const {
  auto source = how_.files->open_read(known.path(in));
  if (!source) return source.reason();
  chain lines(in.name, sealed ? sealed->previous : previous_);
  line_decoder decoder(format_, in.name);
  bool fits = true;
  auto check = [&] {
    if (sealed && lines.lines() == sealed->lines)
      fits = lines.seal_now(format_).value == sealed->value;
  };
  check();
  auto read = scan_segment(**source, in.size, decoder, [&](const scanned_line& line) {
    if (line.kind != line_kind::entry) return;
    lines.add(entry_mac(format_, line));
    check();
  });
  if (!read) return read.reason();
  if (sealed && (!fits || lines.lines() < sealed->lines)) return std::optional<chain>{};
  return std::optional(std::move(lines));
}

void sealer::begin(const std::string& segment) {
  if (!format_.signs()) return;
  chain_.emplace(segment, previous_);
  sealed_lines_.reset();
}

void sealer::add(std::string_view macs) {
  if (!chain_) return;
  for (std::size_t at = 0; at < macs.size(); at += sizeof(mac_bytes)) {
    mac_bytes mac;
    std::copy_n(macs.data() + at, mac.size(), mac.data());
    chain_->add(mac);
  }
}

std::string sealer::line_of(const seal& value) const {
  std::string line;
  append_json(line, value, core::format_timestamp(how_.clock()));
  format_.finish_line(line, 0);
  return line;
}

std::string sealer::seal_line() {
  if (!chain_) return {};
  const bool is_new = chain_->lines() != sealed_lines_;
  last_ = chain_->seal_now(format_);
  previous_ = values_[last_->segment] = last_->value;
  return is_new ? line_of(*last_) : std::string();
}

void sealer::note_sealed() {
  if (!last_) return;
  sealed_lines_ = last_->lines;
  anchor_.newest = {last_->segment, last_->value};
  last_.reset();
  keep_anchor();
}

void sealer::give_up(bool removed) {
  if (!chain_) return;
  if (!removed) owed_lines_ += seal_line();
  last_.reset();
  chain_.reset();
}

core::result<void> sealer::note_removed(const std::string& segment) {
  if (!format_.signs()) return {};
  auto value = values_.find(segment);
  if (value == values_.end()) return {};
  anchor_.oldest = {segment, value->second};
  if (auto written = write_anchor(how_, format_, anchor_); !written) return written;
  values_.erase(value);
  return {};
}

}  // namespace nexus::wal
