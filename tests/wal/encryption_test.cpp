// A log that is encrypted at rest, from outside: what can be read on disk, and by whom.
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base64.hpp"
#include "tests/wal/codec_support.hpp"
#include "tests/wal/log_support.hpp"
#include "wal/keyring.hpp"

using namespace nexus;
using namespace nexus::test;
using namespace nexus::wal;

namespace {

namespace fs = std::filesystem;

const std::string first_key(32, '1');
const std::string second_key(32, '2');
/// BLAKE2b-derived ids, as the header lines tell them.
std::string id_of(const std::string& key_text) {
  return std::string(keyring::make({false, cipher::aes_256_gcm, {key_text}})->current_id());
}

options encrypted(const std::string& directory, std::vector<std::string> keys = {first_key},
                  cipher with = ciphers_here().front()) {
  auto how = options_for(directory);
  how.encryption = {true, with, std::move(keys)};
  how.retain_delivered_hours = -1;
  return how;
}

options plain(const std::string& directory, std::vector<std::string> keys = {}) {
  auto how = encrypted(directory, std::move(keys));
  how.encryption.enabled = false;
  return how;
}

options signing(options how, bool accept_unsigned = false) {
  how.integrity = integrity_mode::mac;
  how.mac_key = golden_key;
  how.accept_unsigned = accept_unsigned;
  return how;
}

/// One in each field that an entry or a mark has.
const std::vector<std::string> secrets{"zebrapayload", "zebraident",  "zebraidemkey",
                                       "zebrasource",  "zebratarget", "zebrasubject",
                                       "zebraactor",   "zebrareason"};

core::entry secret_entry(int number) {
  core::entry value;
  value.payload_id = "zebraident" + std::to_string(number);
  value.idempotency_key = "zebraidemkey" + std::to_string(number);
  value.source = "zebrasource";
  value.destination = "zebratarget";
  value.subject = "zebrasubject";
  value.actor_type = "user";
  value.actor_id = "zebraactor";
  value.payload = R"({"content":"zebrapayload","filler":")" + std::string(30'000, 'f') + "\"}";
  return value;
}

/// All files below, by path; the lock file holds a process id and is left out.
std::map<std::string, std::string> files_below(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& one : fs::recursive_directory_iterator(directory))
    if (one.is_regular_file() && one.path().filename() != "lock")
      files[one.path().string()] = read_file(one.path().string());
  return files;
}

/// The digits that `word` has in any Base64 that holds it at this alignment.
std::string base64_core(const std::string& word, std::size_t shift) {
  std::string digits;
  core::append_base64(digits, std::string(shift, '\0') + word);
  const auto first = (8 * shift + 5) / 6;
  return digits.substr(first, (shift + word.size()) * 8 / 6 - first);
}

std::string hex_of(const std::string& word) {
  std::string hex;
  for (unsigned char byte : word) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

/// Where the secrets can be read, as they are, in hex or in Base64: "word in path".
std::vector<std::string> leaks(const std::string& directory) {
  std::vector<std::string> found;
  const auto files = files_below(directory);
  REQUIRE_FALSE(files.empty());
  for (const auto& word : secrets) {
    std::vector<std::string> spellings{word, hex_of(word)};
    for (std::size_t shift = 0; shift < 3; ++shift) spellings.push_back(base64_core(word, shift));
    for (const auto& [path, bytes] : files)
      for (const auto& spelling : spellings)
        if ((path + bytes).find(spelling) != std::string::npos)
          found.push_back(word + " in " + path);
  }
  return found;
}

/// Every secret is somewhere on disk: the search finds what there is.
bool all_leak(const std::string& directory) {
  const auto found = leaks(directory);
  return std::all_of(secrets.begin(), secrets.end(), [&](const auto& word) {
    return std::any_of(found.begin(), found.end(),
                       [&](const auto& leak) { return leak.starts_with(word); });
  });
}

/// Appends more than a segment holds; a third is delivered, a third fails, a third waits.
void fill(wal::log& to) {
  for (int i = 0; i < 60; ++i) REQUIRE(to.append(secret_entry(i)).ok());
  for (int i = 0; i < 20; ++i) {
    const auto delivered = "zebraident" + std::to_string(3 * i);
    const auto failed = "zebraident" + std::to_string(3 * i + 1);
    REQUIRE(to.mark_delivered(delivered, "zebratarget").ok());
    REQUIRE(to.mark_permanent_failure(failed, "zebrareason", "zebratarget").ok());
  }
  REQUIRE(to.sync().ok());
}

/// The log holds what fill() has put into it.
void check_filled(wal::log& from) {
  std::vector<std::string> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back("zebraident" + std::to_string(3 * i + 2));
  CHECK(replayed_ids(from) == waiting);
  REQUIRE(from.replay([](const core::entry& value) {
                CHECK(value.payload == secret_entry(0).payload);
                CHECK(value.subject == "zebrasubject");
              })
              .ok());
  std::size_t dead = 0;
  auto read = from.dead_letters({}, [&](const dead_letter& letter) {
    ++dead;
    CHECK(letter.reason == "zebrareason");
    CHECK(letter.entry.payload == secret_entry(0).payload);
  });
  CHECK(read.ok());
  CHECK(dead == 20);
  const auto stats = from.stats();
  CHECK(stats.crc_failures + stats.integrity_failures + stats.torn_lines + stats.malformed_lines +
            stats.undecodable_lines ==
        0);
}

/// Runs the life of a log and hands its directory to `look` at each stage.
void live(const options& given, const std::function<void(const std::string&)>& look) {
  const temp_dir copies;
  auto how = given;
  how.max_segment_size_mb = 1;
  const auto crash_copy = [&](const std::string& name) {
    auto copy = how;
    copy.directory = copies / name;
    copy_as_killed(how.directory, copy.directory);
    look(copy.directory);
    check_filled(*open_log(copy));
    look(copy.directory);
  };
  auto log = open_log(how);
  fill(*log);
  REQUIRE(log->stats().segments > 1);
  look(how.directory);
  crash_copy("killed");
  REQUIRE(log->settle().ok());
  crash_copy("settled");
  REQUIRE(log->close().ok());
  look(how.directory);
  check_filled(*open_log(how));
  how.retain_delivered_hours = 0;
  log = open_log(how);
  for (int i = 0; i < 20; ++i)
    REQUIRE(log->mark_delivered("zebraident" + std::to_string(3 * i + 2)).ok());
  REQUIRE(log->maintain().ok());
  look(how.directory);
  REQUIRE(log->close().ok());
  look(how.directory);
}

std::string error_at_open(const options& how) {
  auto opened = wal::log::open(how);
  REQUIRE_FALSE(opened.ok());
  CHECK(opened.reason().code == core::errc::bad_config);
  return opened.reason().text;
}

std::string base_name(const std::string& path) {
  return fs::path(path).filename().string();
}

/// The lines of a file, newlines cut off, preallocated space left out.
std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  auto bytes = read_file(path);
  bytes.resize(bytes.find_last_not_of('\0') + 1);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto end = std::min(bytes.find('\n', at), bytes.size());
    lines.push_back(bytes.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void write_lines(const std::string& path, const std::vector<std::string>& lines) {
  std::string bytes;
  for (const auto& line : lines) bytes += line + "\n";
  write_file(path, bytes);
}

/// How many lines of all segments are encrypted, and how many plain entries there are.
std::pair<std::size_t, std::size_t> encrypted_and_plain(const std::string& directory) {
  std::pair<std::size_t, std::size_t> count;
  for (const auto& path : segments_in(directory))
    for (const auto& line : lines_of(path)) {
      if (line.starts_with("enc:")) ++count.first;
      if (line.find("\"payload_id\"") != line.npos) ++count.second;
    }
  return count;
}

/// Appends and leaves the log as a killed process does: nothing is settled.
void append_and_die(const options& how, const std::vector<std::string>& ids) {
  const temp_dir copy;
  {
    auto log = open_log(how);
    append_ids(*log, ids);
    copy_as_killed(how.directory, copy / "at");
  }
  copy_as_killed(copy / "at", how.directory);
}

}  // namespace

TEST_CASE("nothing of an entry can be read in the directory of an encrypted log, at no time") {
  for (auto with : ciphers_here()) {
    const temp_dir dir, signed_dir;
    const auto clean = [](const std::string& directory) {
      CHECK(leaks(directory) == std::vector<std::string>{});
    };
    live(encrypted(dir / "wal", {first_key}, with), clean);
    live(signing(encrypted(signed_dir / "wal", {first_key}, with)), clean);
  }
}

TEST_CASE("the search for secrets finds them in a plain log") {
  const temp_dir dir;
  int looked = 0;
  live(plain(dir / "wal"), [&](const std::string& directory) {
    if (++looked < 6) CHECK(all_leak(directory));  // later, retention has removed most
  });
  CHECK(looked >= 6);
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string digits;
    core::append_base64(digits, std::string(shift + 3, '?') + "zebrareason????");
    CHECK(digits.find(base64_core("zebrareason", shift)) != std::string::npos);
  }
}

TEST_CASE("damaged lines of an encrypted log are no readable ones in the quarantine") {
  const temp_dir dir;
  const auto how = encrypted(dir / "wal");
  {
    auto log = open_log(how);
    for (int i = 0; i < 3; ++i) REQUIRE(log->append(secret_entry(i)).ok());
  }
  auto lines = lines_of(segments_in(how.directory).front());
  REQUIRE(lines.size() >= 4);
  lines[2][100] = lines[2][100] == 'A' ? 'B' : 'A';
  write_lines(segments_in(how.directory).front(), lines);
  auto log = open_log(how);
  CHECK(log->stats().crc_failures == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"zebraident0", "zebraident2"});
  CHECK(fs::exists(how.directory + "/quarantine"));
  CHECK(leaks(how.directory) == std::vector<std::string>{});
}

TEST_CASE("a wrong key is an error that names segment and key, no damage, and changes nothing") {
  for (bool mac : {false, true}) {
    const temp_dir dir;
    auto how = encrypted(dir / "wal");
    if (mac) how = signing(how);
    append_and_die(how, {"a", "b"});
    const auto before = files_below(how.directory);
    auto wrong = how;
    wrong.encryption.keys = {second_key};
    auto logger = std::make_shared<recording_logger>();
    wrong.log = logger;
    const auto text = error_at_open(wrong);
    CHECK(text.find(base_name(segments_in(how.directory).front())) != std::string::npos);
    CHECK(text.find(id_of(first_key)) != std::string::npos);
    CHECK(text.find("key_file") != std::string::npos);
    CHECK(text.find("1111") == std::string::npos);
    CHECK(logger->count(core::log_level::warn) + logger->count(core::log_level::error) == 0);
    CHECK(files_below(how.directory) == before);
    CHECK(ids_after_reopen(how) == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("a missing key is an error as well, also where the header is lost") {
  const temp_dir dir;
  const auto how = encrypted(dir / "wal");
  append_and_die(how, {"a", "b"});
  const auto before = files_below(how.directory);
  auto text = error_at_open(plain(how.directory));
  CHECK(text.find(id_of(first_key)) != std::string::npos);
  CHECK(files_below(how.directory) == before);
  const auto path = segments_in(how.directory).front();
  auto lines = lines_of(path);
  write_lines(path, {lines.begin() + 1, lines.end()});
  text = error_at_open(plain(how.directory));
  CHECK(text.find(base_name(path) + ":1") != std::string::npos);
  CHECK(ids_after_reopen(how) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a wrong key is noticed without the header, too, and cuts nothing off after a crash") {
  const temp_dir dir;
  const auto how = encrypted(dir / "wal");
  append_and_die(how, {"a", "b"});
  const auto path = segments_in(how.directory).front();
  auto bytes = read_file(path);
  bytes[20] ^= 1;
  write_file(path, bytes);
  const auto before = files_below(how.directory);
  CHECK(error_at_open(encrypted(how.directory, {second_key})).find("key_file") !=
        std::string::npos);
  CHECK(files_below(how.directory) == before);
  CHECK(ids_after_reopen(how) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a wrong MAC key after a crash cuts nothing off, however few the lines are") {
  for (int count : {1, 3, 20}) {
    const temp_dir dir;
    auto how = signing(plain(dir / "wal"));
    append_and_die(how, ids_from("e", count));
    auto wrong = how;
    wrong.mac_key = "another";
    if (auto opened = wal::log::open(wrong)) CHECK((*opened)->close().ok());
    CHECK(ids_after_reopen(how) == ids_from("e", count));
  }
}

TEST_CASE("plain and encrypted segments are read side by side, in the order of the appends") {
  const temp_dir dir;
  const auto on = encrypted(dir / "wal"), off = plain(dir / "wal", {first_key});
  append_and_die(off, {"a", "b"});
  append_and_die(on, {"c"});
  append_and_die(off, {"d"});
  append_and_die(on, {"e", "f"});
  CHECK(segments_in(on.directory).size() == 4);
  CHECK(encrypted_and_plain(on.directory) == std::pair<std::size_t, std::size_t>{3, 3});
  auto log = open_log(on);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
  CHECK(log->stats().undecodable_lines == 0);
}

TEST_CASE("switched on and settled, nothing is plain any more, and the other way round") {
  const temp_dir dir;
  const auto on = encrypted(dir / "wal"), off = plain(dir / "wal", {first_key});
  append_and_die(plain(dir / "wal"), {"a", "b"});
  {
    auto log = open_log(on);
    append_ids(*log, {"c"});
    REQUIRE(log->settle().ok());
    REQUIRE(log->close().ok());
  }
  CHECK(encrypted_and_plain(on.directory) == std::pair<std::size_t, std::size_t>{3, 0});
  {
    auto log = open_log(off);
    append_ids(*log, {"d"});
    REQUIRE(log->settle().ok());
    REQUIRE(log->close().ok());
  }
  CHECK(encrypted_and_plain(on.directory) == std::pair<std::size_t, std::size_t>{0, 4});
  CHECK(ids_after_reopen(plain(dir / "wal")) == std::vector<std::string>{"a", "b", "c", "d"});
}

TEST_CASE("keys are changed: the old one reads, the new one writes, then the old one can go") {
  for (bool mac : {false, true}) {
    const temp_dir dir;
    auto old_key = encrypted(dir / "wal", {first_key}),
         both = encrypted(dir / "wal", {second_key, first_key}, ciphers_here().back()),
         new_key = encrypted(dir / "wal", {second_key});
    if (mac)
      for (auto* how : {&old_key, &both, &new_key}) *how = signing(*how);
    append_and_die(old_key, {"a", "b"});
    append_and_die(both, {"c"});
    CHECK(error_at_open(new_key).find(id_of(first_key)) != std::string::npos);
    CHECK(error_at_open(old_key).find(id_of(second_key)) != std::string::npos);
    {
      auto log = open_log(both);
      CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b", "c"});
      REQUIRE(log->settle().ok());
      REQUIRE(log->close().ok());
    }
    CHECK(ids_after_reopen(new_key) == std::vector<std::string>{"a", "b", "c"});
  }
}

TEST_CASE("a damaged header costs no entry") {
  const temp_dir dir;
  const auto how = encrypted(dir / "wal");
  append_and_die(how, {"a", "b", "c"});
  const auto path = segments_in(how.directory).front();
  auto lines = lines_of(path);
  REQUIRE(lines[0].find("\"entry_type\":\"segment\"") != std::string::npos);
  lines[0][20] ^= 1;
  write_lines(path, lines);
  auto log = open_log(how);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b", "c"});
  CHECK(log->stats().crc_failures == 1);
  CHECK(log->stats().undecodable_lines == 0);
}

TEST_CASE("an encrypted line that stands in another file is not believed") {
  const temp_dir dir;
  auto how = encrypted(dir / "wal");
  append_and_die(how, {"a"});
  const auto first = segments_in(how.directory).front();
  const auto stolen = lines_of(first).back();
  REQUIRE(stolen.starts_with("enc:"));
  const auto other = how.directory + "/wal-9000000000000000000.jsonl";
  write_lines(other, {stolen});
  auto log = open_log(how);
  CHECK(log->stats().undecodable_lines == 1);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a"});
}

TEST_CASE("the HMAC on top of the encryption finds a body that was changed along with its CRC") {
  const temp_dir dir;
  auto how = signing(encrypted(dir / "wal"));
  append_and_die(how, {"a", "b", "c"});
  const auto path = segments_in(how.directory).front();
  auto lines = lines_of(path);
  auto body = lines[2].substr(0, lines[2].find('\t'));
  body[60] = body[60] == 'A' ? 'B' : 'A';
  lines[2] =
      without_newline(line_of(body, plain(dir / "wal"))) + lines[2].substr(lines[2].rfind('\t'));
  write_lines(path, lines);
  std::vector<security_event> events;
  how.on_security_event = [&](const security_event& event) { events.push_back(event); };
  auto log = open_log(how);
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "c"});
  CHECK(log->stats().integrity_failures == 1);
  CHECK(log->stats().undecodable_lines == 0);
  REQUIRE(events.size() == 1);
  CHECK(events[0].segment_file == path);
  CHECK(events[0].line_number == 3);
}

TEST_CASE("what would be too long for the reference once it is encrypted is refused") {
  const temp_dir dir, plain_dir;
  auto value = make_entry("large");
  value.payload = "\"" + std::string(8'000'000, 'x') + "\"";
  CHECK(open_log(plain(plain_dir / "wal"))->append(value).ok());
  auto log = open_log(encrypted(dir / "wal"));
  auto refused = log->append(value);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.reason().code == core::errc::too_large);
  value.payload = "\"" + std::string(7'800'000, 'x') + "\"";
  CHECK(log->append(value).ok());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"large"});
}
