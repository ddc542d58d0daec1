#include "tests/proof/states/opening.hpp"

#include <algorithm>

#include "tests/proof/states/crash_point.hpp"
#include "wal/verify.hpp"

namespace nexus::test {
namespace {

/// The first thing that is wrong.
class faults {
 public:
  void add(bool is_wrong, const std::string& what) {
    if (is_wrong && first_.empty()) first_ = what;
  }
  void add(const core::result<void>& outcome, const std::string& what) {
    if (!outcome) add(true, what + ": " + outcome.reason().text);
  }
  const std::string& first() const { return first_; }

 private:
  std::string first_;
};

void check_line(const core::entry& found, faults& wrong) {
  const auto appended = entry_of(found.payload_id);
  wrong.add(found.payload != appended.payload || found.source != appended.source ||
                found.destination != appended.destination,
            found.payload_id + " is not what was appended");
}

void check_counters(const wal::counters& found, faults& wrong) {
  wrong.add(found.integrity_failures > 0, "an integrity failure");
  wrong.add(found.malformed_lines > 0, "a malformed line");
  wrong.add(found.sentinel_failures > 0, "a sentinel failure");
  wrong.add(found.undecodable_lines > 0, "an undecodable line");
}

/// Opens the log, looks at everything, closes it.
opening look_at(recording_files& disk, const log_kind& kind, faults& wrong) {
  auto how = options_of(kind, disk);
  how.on_security_event = [&](const wal::security_event& one) {
    wrong.add(true, "an alarm about " + one.segment_file);
  };
  auto log = wal::log::open(how);
  if (!log) {
    wrong.add(true, "it does not open: " + log.reason().text);
    return {};
  }
  opening found;
  auto& shown = found.shown;
  wrong.add((*log)->replay([&](const core::entry& one) {
    check_line(one, wrong);
    shown.pending.push_back(one.payload_id);
  }),
            "replay");
  wrong.add((*log)->dead_letters({},
                                 [&](const wal::dead_letter& one) {
                                   check_line(one.entry, wrong);
                                   wrong.add(one.reason != failure_reason,
                                             one.entry.payload_id + " has lost its reason");
                                   shown.dead.push_back(one.entry.payload_id);
                                 }),
            "dead letters");
  const auto counters = (*log)->stats();
  check_counters(counters, wrong);
  if (counters.crc_failures > 0) found.damage = "a line whose CRC does not fit";
  wrong.add((*log)->close(), "close");
  const auto verified = wal::verify(how);
  if (!verified) wrong.add(true, "verify: " + verified.reason().text);
  if (verified && verified->breaches > 0)
    found.damage = "verify: " + verified->findings[0].segment + ": " + verified->findings[0].text;
  return found;
}

/// The anchor of the seals is written anew by each closing: encrypted, it has other bytes then.
bool is_same(const disk_image& a, const disk_image& b, const log_kind& kind) {
  const auto same = [&](const auto& one, const auto& other) {
    const bool may_differ = kind.encrypts && one.first.ends_with("/anchor");
    return one.first == other.first && (may_differ || *one.second == *other.second);
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace

opening open_state(const disk_image& state, const log_kind& kind, std::mt19937_64& random) {
  faults wrong;
  const auto disk = disk_for(kind, state);
  auto found = look_at(*disk, kind, wrong);
  const auto first = disk->image();
  const auto changes = disk->record();

  const auto again = look_at(*disk, kind, wrong);
  wrong.add(again.shown != found.shown, "the second opening shows something else");
  wrong.add(!is_same(disk->image(), first, kind), "the second opening changes the disk");

  crash_point cut(state);
  for (std::size_t i = 0, end = random() % (changes.size() + 1); i < end; ++i)
    cut.advance(changes[i]);
  wrong.add(look_at(*disk_for(kind, cut.durable()), kind, wrong).shown != found.shown,
            "after a second power cut, during the opening, it shows something else");
  found.breach = wrong.first();
  return found;
}

}  // namespace nexus::test
