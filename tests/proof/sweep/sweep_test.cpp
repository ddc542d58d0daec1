// Every small damage to real files of the log, in every format that it reads: the log opens what is
// left, and finds in it what docs/wal-format.md says must be found.
//
// Long (NEXUS_PROOF_SIZE=long): flips all eight bits of each byte, and looks at every byte of the
// sealed directories too (minutes).
#include <filesystem>
#include <sstream>

#include "tests/proof/proof_size.hpp"
#include "tests/proof/sweep/memory_files.hpp"
#include "tests/proof/sweep/mutations.hpp"
#include "tests/proof/sweep/reference_body.hpp"
#include "tests/proof/sweep/reference_parser.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/proof_count.hpp"
#include "tests/wal/log_support.hpp"
#include "tests/wal/reference_json.hpp"
#include "wal/inspect.hpp"
#include "wal/verify.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::test::sweep;

namespace {

const std::string directory = "log";  // in memory

files load(const std::string& path) {
  files all;
  for (const auto& one : std::filesystem::directory_iterator(path))
    if (one.is_regular_file()) all[one.path().filename().string()] = read_file(one.path().string());
  return all;
}

/// What stands in the log's directory.
files files_in(const memory_files& disk) {
  files all;
  for (const auto& [path, bytes] : disk.bytes)
    all[path.substr(std::string(directory).size() + 1)] = *bytes;
  return all;
}

/// Whether nothing stands behind the last whole line of the newest segment: no rest of a torn one.
bool ends_in_a_whole_line(const files& all, const reading_rules& rules) {
  const auto newest = std::prev(all.end());
  auto last = split_lines(newest->second).back();
  classify(last, newest->first, rules);
  return last.is == line_class::whole;
}

std::set<placed_text> quarantined(const memory_files& disk) {
  std::set<placed_text> found;
  const std::string folder = directory + "/quarantine/";
  for (const auto& [path, bytes] : disk.bytes) {
    if (!path.starts_with(folder)) continue;
    for (const auto& one : split_lines(*bytes)) {
      const auto members = reference::members_of(one.text);
      REQUIRE(members.has_value());
      for (const auto& [key, value] : *members)
        if (key == "\"data\"")
          found.insert({path.substr(folder.size()), *from_base64(reference::text_of(value))});
    }
  }
  return found;
}

wal::options options_of(const reading_rules& rules) {
  auto how = options_for(directory);
  how.reserve_bytes = 0;
  how.max_segment_size_mb = 1;
  how.retain_delivered_hours = -1;
  if (!rules.mac_key.empty()) how.integrity = wal::integrity_mode::mac;
  how.mac_key = rules.mac_key;
  how.accept_unsigned = rules.accept_unsigned;
  how.encryption.keys = rules.encryption_keys;
  how.encryption.enabled = !rules.encryption_keys.empty();
  return how;
}

/// How many damaged lines of each kind that the log counts apart.
std::string told(std::uint64_t torn, std::uint64_t sentinel, std::uint64_t crc,
                 std::uint64_t integrity, std::uint64_t undecodable, std::uint64_t malformed) {
  std::ostringstream text;
  text << torn << " torn, " << sentinel << " without end, " << crc << " CRC, " << integrity
       << " HMAC, " << undecodable << " undecodable, " << malformed << " malformed";
  return text.str();
}

std::string told(std::map<line_class, std::uint64_t> damage) {
  return told(damage[line_class::torn], damage[line_class::bad_sentinel],
              damage[line_class::bad_crc],
              damage[line_class::bad_mac] + damage[line_class::missing_mac],
              damage[line_class::undecodable], damage[line_class::malformed]);
}

/// Of the counters of a log, or of an inspection.
template <class Counters>
std::string told(const Counters& found) {
  return told(found.torn_lines, found.sentinel_failures, found.crc_failures,
              found.integrity_failures, found.undecodable_lines, found.malformed_lines);
}

using ids = std::vector<std::string>;

ids all_ids(wal::log& log) {
  ids found;
  REQUIRE(log.recent_entries({}, [&](const core::entry& one) { found.push_back(one.payload_id); })
              .ok());
  return found;
}

ids dead_ids(wal::log& log) {
  ids found;
  auto add = [&](const wal::dead_letter& one) { found.push_back(one.entry.payload_id); };
  REQUIRE(log.dead_letters({}, add).ok());
  return found;
}

/// Opens what is stored, and holds it against the prediction.
void check_state(const wal::options& how, const memory_files& disk, const reading_rules& rules,
                 const prediction& expected) {
  const auto seen = wal::inspect(how, wal::selection::none, {}, [](std::string_view) {});
  auto opened = wal::log::open(how);
  REQUIRE(seen.ok() == !expected.is_refused);
  REQUIRE(opened.ok() == !expected.is_refused);
  if (expected.is_refused) {
    CHECK(opened.reason().code == core::errc::bad_config);
    return;
  }
  auto log = *std::move(opened);
  CHECK(told(log->stats()) == told(expected.damage));
  CHECK(told(*seen) == told(expected.damage));
  CHECK(seen->pending == expected.pending.size());
  CHECK(replayed_ids(*log) == expected.pending);
  CHECK(all_ids(*log) == expected.entries);
  CHECK(dead_ids(*log) == expected.dead);
  append_ids(*log, {"next"});
  auto left = expected.pending;
  left.push_back("next");
  CHECK(predict(files_in(disk), rules).pending == left);  // had the program been killed now
  CHECK(ends_in_a_whole_line(files_in(disk), rules));
  log.reset();
  CHECK(quarantined(disk) == expected.copies);
  CHECK(ids_after_reopen(how) == left);
}

bool is_seal(const std::string& json) {
  return json.find(R"("entry_type":"seal")") != json.npos;
}

/// What the chain of seals must keep: entries, seals, and the anchor, each where it stands. A seal
/// may stand there twice, and entries behind the last one are not sealed yet.
std::vector<placed_text> sealed_part(const files& all, const prediction& read,
                                     const reading_rules& rules) {
  auto part = read.chained;
  part.erase(std::unique(part.begin(), part.end(),
                         [](const auto& a, const auto& b) { return a == b && is_seal(a.second); }),
             part.end());
  while (!part.empty() && !is_seal(part.back().second)) part.pop_back();
  if (!all.contains("anchor")) return part;
  const auto& anchor = all.at("anchor");
  auto& [place, json] = part.emplace_back("anchor", "");
  if (!anchor.ends_with('\n') || anchor.find('\n') + 1 != anchor.size()) return part;
  auto one = split_lines(anchor).front();
  classify(one, place, rules);
  json = one.json;
  return part;
}

/// A golden directory, and what becomes of it.
class sweep_of {
 public:
  sweep_of(const std::string& name, reading_rules rules)
      : rules_(std::move(rules)), whole_(load(NEXUS_GOLDEN_DIRECTORY + ("/" + name))) {
    REQUIRE_FALSE(whole_.empty());
    how_.files = &disk_;
    sealed_ = sealed_part(whole_, predict(whole_, rules_), rules_);
  }

  /// Returns how many states were tried.
  std::uint64_t run(density how) {
    check("nothing", whole_);
    std::string old;
    for (const auto& [file, bytes] : whole_) {
      const auto& name = file;  // clang 14 captures no structured binding
      for_each_mutation(bytes, old, how, [&](const std::string& what, const std::string& made) {
        auto all = whole_;
        all[name] = made;
        check(name + ": " + what, all);
      });
      old = bytes;
    }
    return states_;
  }

 private:
  void check(const std::string& what, const files& all) {
    INFO(what);
    const auto expected = predict(all, rules_);
    disk_.bytes.clear();
    for (const auto& [name, bytes] : all)
      disk_.bytes[directory + "/" + name] = std::make_shared<std::string>(bytes);
    if (whole_.contains("anchor") && !expected.is_refused)
      check_chain(!expected.damage.empty() || sealed_part(all, expected, rules_) != sealed_);
    check_state(how_, disk_, rules_, expected);
    ++states_;
  }

  /// Whoever has the key is told of every change of what is sealed, and of nothing else.
  void check_chain(bool is_changed) const {
    const auto verified = wal::verify(how_);
    REQUIRE(verified.ok());
    CHECK((verified->breaches > 0) == is_changed);
  }

  const reading_rules rules_;
  const files whole_;
  std::vector<placed_text> sealed_;
  memory_files disk_;
  wal::options how_ = options_of(rules_);
  std::uint64_t states_ = 0;
};

const std::string mac_key = "01234567890123456789012345678901";
const std::string encryption_key(32, 'k');

/// Lines whose checks are cheap are swept closely, even when time is short.
void sweep_golden(const std::string& name, const reading_rules& rules) {
  INFO(name);
  const bool is_cheap = rules.mac_key.empty();
  const auto how =
      is_long_proof() ? density{1, 8} : density{(is_cheap ? 1 : 6) * proof_divisor(), 1};
  count_proof("states of the byte sweep", sweep_of(name, rules).run(how));
}

}  // namespace

TEST_CASE("lines of v0.1.2: what a damaged byte leaves is what the format says") {
  sweep_golden("plain", {});
}

TEST_CASE("signed lines of v0.1.2: what a damaged byte leaves is what the format says") {
  sweep_golden("plain-mac", {mac_key, true, {}});
}

TEST_CASE("lines of the newest reference: what a damaged byte leaves is what the format says") {
  sweep_golden("newest-reference", {});
}

TEST_CASE("a log that was killed: what a damaged byte leaves is what the format says") {
  sweep_golden("killed", {});
}

TEST_CASE("dead letters and marks: what a damaged byte leaves is what the format says") {
  sweep_golden("dead-letters", {});
}

TEST_CASE("redriven dead letters: what a damaged byte leaves is what the format says") {
  sweep_golden("redriven", {});
}

TEST_CASE("a sealed log: a damaged byte costs its line, and the seals show it") {
  sweep_golden("sealed", {mac_key, false, {}});
}

TEST_CASE("a sealed log with AES: a damaged byte costs its line, and the seals show it") {
  sweep_golden("sealed-aes", {mac_key, false, {encryption_key}});
}

TEST_CASE("a sealed log with XChaCha20: a damaged byte costs its line, and the seals show it") {
  sweep_golden("sealed-xchacha", {mac_key, false, {encryption_key}});
}
