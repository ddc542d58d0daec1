// States that only a crash, an operator or a full disk bring about: each must leave everything that
// was accepted where it can be found.
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/wal/failing_directory.hpp"
#include "wal/catalog.hpp"
#include "wal/recovery.hpp"
#include "wal/verify.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

core::entry sized(const std::string& id, std::size_t bytes) {
  auto value = make_entry(id);
  value.payload = "\"" + std::string(bytes, 'z') + "\"";
  return value;
}

/// `failed` becomes a dead letter in a sealed segment of its own, in which nothing is pending.
void fail_in_sealed_segment(wal::log& in, const std::string& failed) {
  append_ids(in, {failed});
  REQUIRE(in.append(sized("with " + failed, 1 << 20)).ok());  // rotates
  REQUIRE(in.mark_permanent_failure(failed, "no such table").ok());
  REQUIRE(in.mark_delivered("with " + failed).ok());
  REQUIRE(in.sync().ok());
}

void flip_byte(const std::string& path, std::size_t at) {
  auto bytes = read_file(path);
  REQUIRE(at < bytes.size());
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_file(path, bytes);
}

/// Does something when a file is opened to be read through: it is opened for its size before.
class settling_neighbour final : public failing_files {
 public:
  settling_neighbour(const std::string& directory, std::string path, std::function<void()> then)
      : failing_files(directory), path_(std::move(path)), then_(std::move(then)) {}

  core::result<std::unique_ptr<core::file>> open_read(const std::string& path) override {
    if (path == path_ && ++opened_ == 2) then_();
    return failing_files::open_read(path);
  }

 private:
  std::string path_;
  std::function<void()> then_;
  int opened_ = 0;
};

}  // namespace

TEST_CASE("a dead-letter file whose last newline is missing takes further dead letters") {
  failing_directory at;
  at.how.retain_delivered_hours = 0;
  auto log = open_log(at.how);
  fail_in_sealed_segment(*log, "a");
  REQUIRE(log->maintain().ok());
  log.reset();
  const auto path = at.dir / "wal/dead-letter.jsonl";
  const auto bytes = read_file(path);
  REQUIRE(bytes.ends_with('\n'));
  at.files = std::make_unique<failing_files>(at.dir / "wal");
  at.how.files = at.files.get();
  write_file(path, bytes.substr(0, bytes.size() - 1));

  log = open_log(at.how);
  CHECK(log->stats().dead_letters == 1);
  fail_in_sealed_segment(*log, "b");
  REQUIRE(log->maintain().ok());
  CHECK(log->stats().dead_letters == 2);
  log.reset();
  log = open_log(at.how);
  CHECK(log->stats().dead_letters == 2);
  CHECK(log->stats().crc_failures == 0);
}

TEST_CASE("what retention has removed stays away after a power cut") {
  failing_directory at;
  at.how.retain_delivered_hours = 0;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  REQUIRE(log->append(sized("b", 1 << 20)).ok());  // rotates
  REQUIRE(log->mark_delivered("a").ok());
  REQUIRE(log->mark_delivered("b").ok());
  REQUIRE(log->maintain().ok());
  REQUIRE(segments_in(at.dir / "wal").size() == 1);
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  CHECK(segments_in(at.dir / "wal").size() == 1);
}

TEST_CASE("a segment whose dead letters were copied before a crash is settled once") {
  failing_directory at;
  at.how.retain_delivered_hours = 0;
  auto log = open_log(at.how);
  fail_in_sealed_segment(*log, "a");
  at.files->fail({operation::remove, 1, true, EIO});
  CHECK_FALSE(log->maintain().ok());
  at.files->cut_power_at(1);
  log.reset();
  at.files->crash(survival::nothing);
  REQUIRE(std::filesystem::exists(at.dir / "wal/dead-letter.jsonl"));

  at.how.retain_delivered_hours = 168;
  log = open_log(at.how);
  REQUIRE(log->maintain().ok());
  const auto before = at.files->count(operation::rename);
  REQUIRE(log->maintain().ok());
  CHECK(at.files->count(operation::rename) == before);
  CHECK(log->stats().dead_letters == 1);
}

TEST_CASE("retention frees space also while marks can't be written") {
  failing_directory at;
  at.how.retain_delivered_hours = 0;
  at.how.reserve_bytes = 0;
  auto log = open_log(at.how);
  append_ids(*log, {"a"});
  REQUIRE(log->append(sized("b", 1 << 20)).ok());  // rotates
  append_ids(*log, {"c"});
  REQUIRE(log->stats().segments == 2);
  at.files->fail({operation::write, 1, true, ENOSPC});
  CHECK_FALSE(log->mark_delivered("a").ok());
  CHECK_FALSE(log->mark_delivered("b").ok());
  CHECK(log->maintain().reason().code == errc::wal_full);
  CHECK(segments_in(at.dir / "wal").size() == 1);
  at.files->heal();
  CHECK(replayed_ids(*log) == std::vector<std::string>{"c"});
}

TEST_CASE("a dead letter that can't be sent again keeps no other one from being sent, just once") {
  temp_dir dir;
  auto how = options_for(dir.path());
  {
    auto log = open_log(how);
    append_ids(*log, {"a"});
    REQUIRE(log->append(sized("long", 9 << 20)).ok());
    append_ids(*log, {"b"});
    for (const auto* id : {"a", "long", "b"})
      REQUIRE(log->mark_permanent_failure(id, "no such table").ok());
  }
  // Encrypted, its line would be a third longer: too long.
  how.encryption = {true, wal::cipher::xchacha20_poly1305, {std::string(32, 'k')}};
  auto log = open_log(how);
  for (int i = 0; i < 2; ++i) {
    CHECK(log->redrive({}).reason().code == errc::too_large);
    CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
    CHECK(log->stats().dead_letters == 1);
  }
}

TEST_CASE("an entry that fails again after a redrive is a dead letter, whatever is settled first") {
  failing_directory at;
  auto log = open_log(at.how);
  REQUIRE(log->append(sized("a", 1 << 20)).ok());
  REQUIRE(log->mark_permanent_failure("a", "the first reason").ok());
  REQUIRE(*log->redrive({}) == 1);  // as large as a segment: its mark stands in the next one
  REQUIRE(log->mark_permanent_failure("a", "the second reason").ok());
  REQUIRE(log->maintain().ok());  // settles all but that one
  REQUIRE(log->sync().ok());
  copy_as_killed(at.dir / "wal", at.dir / "killed");
  const auto reopened = open_log(at.dir / "killed");
  std::vector<std::string> reasons;
  REQUIRE(reopened->dead_letters({}, [&](const auto& one) { reasons.push_back(one.reason); }).ok());
  CHECK(reasons == std::vector<std::string>{"the second reason"});
}

TEST_CASE("damage far from the end is told from a torn write, however often the log was killed") {
  temp_dir dir;
  auto killed = dir / "0";
  std::filesystem::create_directories(killed);
  for (int i = 1; i <= 5; ++i) {
    auto log = open_log(killed);
    REQUIRE(log->append(sized(std::to_string(i), 600 << 10)).ok());
    const auto next = dir / std::to_string(i);
    copy_as_killed(killed, next);
    killed = next;
  }
  flip_byte(segments_in(killed).front(), 300 << 10);
  auto log = open_log(killed);
  CHECK(log->stats().crc_failures == 1);
  CHECK(log->stats().torn_lines == 0);
}

TEST_CASE("another MAC key is refused by a log of few lines too, and the log is left as it was") {
  for (int entries : {0, 3}) {
    temp_dir dir;
    auto how = options_for(dir.path());
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "right";
    { append_ids(*open_log(how), ids_from("e", entries)); }
    const auto anchor = read_file(dir / "anchor");
    how.mac_key = "wrong";
    auto opened = wal::log::open(how);
    if (entries > 0) {
      REQUIRE_FALSE(opened.ok());
      CHECK(opened.reason().code == errc::bad_config);
      CHECK(read_file(dir / "anchor") == anchor);
    }
  }
}

TEST_CASE("a segment that is settled while its neighbour is read is read as it is then") {
  temp_dir dir;
  const auto first = dir / "wal-1.jsonl", second = dir / "wal-2.jsonl";
  const auto line = line_of(R"({"version":2,"payload_id":"a","status":"PENDING"})");
  const auto longer = line_of(R"({"version":2,"payload_id":"a","status":"PERMANENT_FAILURE"})");
  write_file(first, line);
  write_file(second, line);
  settling_neighbour files(dir.path(), first, [&] {
    write_file(dir / "new", longer);
    std::filesystem::rename(dir / "new", second);
  });
  auto how = options_for(dir.path());
  how.files = &files;
  auto format = wal::line_format::make(how);
  REQUIRE(format.ok());
  wal::catalog known(how.directory, *how.files, **format);
  auto found = wal::read_directory(known, how, **format);
  REQUIRE(found.ok());
  CHECK(found->damage.empty());
  CHECK(known.at(2).size == longer.size());
}

TEST_CASE("the newest segment's removal is told, and no later seal covers it up") {
  for (bool has_older : {false, true}) {
    temp_dir dir;
    int told = 0;
    auto how = options_for(dir.path());
    how.max_segment_size_mb = 1;
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "key";
    how.on_security_event = [&](const wal::security_event&) { ++told; };
    {
      auto log = open_log(how);
      if (has_older) REQUIRE(log->append(sized("older", 1 << 20)).ok());  // rotates
      append_ids(*log, {"a", "b"});
    }
    REQUIRE(segments_in(dir.path()).size() == (has_older ? 2 : 1));
    const auto gone = segments_in(dir.path()).back();
    std::filesystem::remove(gone);
    {
      auto log = open_log(how);
      CHECK(told == 1);
      append_ids(*log, {"c"});
    }
    { append_ids(*open_log(how), {"d"}); }
    const auto found = wal::verify(how);
    REQUIRE(found.ok());
    CHECK(found->breaches > 0);
  }
}

TEST_CASE("an anchor that is gone or was changed is told at the next opening") {
  for (bool is_gone : {false, true}) {
    temp_dir dir;
    std::vector<std::string> told;
    auto how = options_for(dir.path());
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "key";
    how.on_security_event = [&](const wal::security_event& event) {
      told.push_back(event.segment_file);
    };
    append_ids(*open_log(how), {"a"});
    CHECK(told.empty());
    const auto anchor = dir.path() + "/anchor";
    if (is_gone)
      std::filesystem::remove(anchor);
    else
      flip_byte(anchor, 40);
    open_log(how);
    CHECK(told == std::vector<std::string>{anchor});
  }
}
