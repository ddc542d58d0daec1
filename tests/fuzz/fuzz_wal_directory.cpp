// A whole directory: a dead-letter file, two segments and an anchor, with a byte 0x1E between them.
// The log that opens it finds all that the reference parser finds, and can be written to.
#include <array>

#include "tests/fuzz/fitting_lines.hpp"
#include "tests/proof/sweep/memory_files.hpp"
#include "tests/proof/sweep/reference_parser.hpp"
#include "wal/log.hpp"

using namespace nexus;
using namespace nexus::test::sweep;

namespace {

using ids = std::vector<std::string>;

ids pending_in(wal::log& log) {
  ids found;
  const auto add = [&](const core::entry& one) { found.push_back(one.payload_id); };
  fuzz::require(log.replay(add).ok(), "what waits can be read");
  return found;
}

ids entries_in(wal::log& log) {
  ids found;
  const auto add = [&](const core::entry& one) { found.push_back(one.payload_id); };
  fuzz::require(log.recent_entries(core::time_point::min(), add).ok(), "entries can be read");
  return found;
}

files files_of(std::string_view input, const std::string& mac_key) {
  files all;
  for (const auto* name : {"dead-letter.jsonl", "wal-1.jsonl", "wal-2.jsonl", "anchor"}) {
    const auto end = input.find('\x1e');
    const auto bytes = fuzz::with_fitting_checks(input.substr(0, end), mac_key);
    if (!bytes.empty()) all[name] = bytes;
    input.remove_prefix(end == input.npos ? input.size() : end + 1);
  }
  return all;
}

}  // namespace

void fuzz::run(std::string_view input) {
  const bool signs = input.starts_with('m');
  const reading_rules rules{signs ? "key" : "", true, {}};
  const auto all = files_of(input.substr(std::min<std::size_t>(1, input.size())), rules.mac_key);
  memory_files disk;
  for (const auto& [name, bytes] : all)
    disk.bytes["log/" + name] = std::make_shared<std::string>(bytes);
  wal::options how;
  how.directory = "log";
  how.files = &disk;
  how.background_maintenance = false;
  how.retain_delivered_hours = -1;
  how.integrity = signs ? wal::integrity_mode::mac : wal::integrity_mode::crc32;
  how.mac_key = rules.mac_key;

  const auto expected = predict(all, rules);
  auto opened = wal::log::open(how);
  if (!opened) {
    require(opened.reason().code == core::errc::bad_config, "only a key keeps it from opening");
    return;
  }
  require(!expected.is_refused, "a key is missing");
  auto log = *std::move(opened);
  require(entries_in(*log) == expected.entries, "every entry that is whole is there");
  auto left = pending_in(*log);
  core::entry next;
  next.payload_id = "next";
  require(log->append(next).ok(), "it can be written to");
  require(log->close().ok(), "it can be closed");
  left.push_back("next");
  opened = wal::log::open(how);
  require(opened.ok(), "it opens again");
  require(pending_in(**opened) == left, "nothing is lost by closing it");
}
