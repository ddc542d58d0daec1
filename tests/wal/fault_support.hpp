// A log on a file system that fails, together with what it has promised: the judge of whether it
// keeps it.
#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"

namespace nexus::test {

inline constexpr std::uint64_t mib = 1 << 20;

/// What the caller has been told.
struct promises {
  std::set<std::string> acknowledged, refused, delivered, failed;
  /// Marks that were not durable when the log was closed on a disk that was failing: they hold or
  /// they don't.
  std::set<std::string> uncertain;
};

/// The status of each payload id in the lines of all files of the log, dead letters included. The
/// dead-letter file may end in a piece of a line, which the next dead letter takes the place of.
inline std::map<std::string, std::set<std::string>> statuses_in(const std::string& directory) {
  std::map<std::string, std::set<std::string>> found;
  for (const auto& path : segments_in(directory)) {
    const auto bytes = read_file(path);
    CHECK((path.ends_with("dead-letter.jsonl") || bytes.empty() || bytes.back() == '\n'));
    for (std::size_t at = 0, end; (end = bytes.find('\n', at)) != bytes.npos; at = end + 1) {
      const auto line = std::string_view(bytes).substr(at, end - at);
      std::string id, status;
      auto read =
          core::json::for_each_member(line.substr(0, line.find('\t')),
                                      [&](const core::json::member& one) -> core::result<void> {
                                        if (one.key == "\"payload_id\"")
                                          id = core::json::unquote(one.value);
                                        if (one.key == "\"status\"")
                                          status = core::json::unquote(one.value);
                                        return {};
                                      });
      CHECK(read.ok());
      if (!id.empty()) found[id].insert(status);
    }
  }
  return found;
}

enum class ending { close, power_cut };

enum class protection { crc, mac, encrypted_mac };

/// How long a fault lasts.
enum class duration {
  once,
  first_log,  ///< it is over before the first log is closed
  always,     ///< over both logs
};

/// A log on a file system that fails, and what it has promised.
class faulty_log {
 public:
  explicit faulty_log(protection lines = protection::crc) {
    std::filesystem::create_directories(dir / "wal");
    files = std::make_unique<failing_files>(dir / "wal");
    how = options_for(dir / "wal");
    how.files = files.get();
    how.max_segment_size_mb = 1;
    how.retain_delivered_hours = 0;
    how.min_free_bytes = 0;
    how.reserve_bytes = 64 << 10;
    if (lines == protection::crc) return;
    how.integrity = wal::integrity_mode::mac;
    how.mac_key = "key";
    if (lines == protection::mac) return;
    how.encryption = {true, wal::cipher::xchacha20_poly1305, {std::string(32, 'k')}};
  }

  /// Opens the log; a fault may keep it from opening, then it must open after heal().
  void open() {
    auto fired = files->faults_fired();
    auto opened = wal::log::open(how);
    if (!opened) {
      judge(opened.reason(), fired, "open");
      files->heal();
      opened = wal::log::open(how);
      INFO((opened ? "" : opened.reason().text));
      REQUIRE(opened.ok());
    }
    log = *std::move(opened);
  }

  void append(const std::vector<std::string>& ids, std::size_t bytes = 10) {
    std::vector<core::entry_ptr> batch;
    for (const auto& id : ids) {
      auto value = make_entry(id, "key of " + id);
      value.payload = "\"" + std::string(bytes, 'z') + "\"";
      batch.push_back(std::make_shared<const core::entry>(value));
    }
    auto fired = files->faults_fired();
    auto outcomes = log->append_batch(batch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      (outcomes[i] ? told.acknowledged : told.refused).insert(ids[i]);
      if (!outcomes[i]) judge(outcomes[i].reason(), fired, "append");
    }
    CHECK(log->trouble().empty() == outcomes[0].ok());
  }

  /// A mark takes effect at once, also where it can't be written yet.
  void deliver(const std::string& id) {
    if (told.acknowledged.count(id) == 0) return;
    told.delivered.insert(id);
    run("mark", [&] { return log->mark_delivered(id); });
  }
  void fail(const std::string& id) {
    if (told.acknowledged.count(id) == 0) return;
    told.failed.insert(id);
    run("mark as failed", [&] { return log->mark_permanent_failure(id, "no such table"); });
  }

  /// An operation that may fail, but only where a fault has hit it.
  template <class Operation>
  void run(const std::string& name, Operation call) {
    auto fired = files->faults_fired();
    auto done = call();
    if (!done) judge(done.reason(), fired, name);
  }

  void judge(const core::error& why, std::uint64_t fired_before, const std::string& name) {
    INFO(name << ": " << why.text);
    CHECK(files->faults_fired() > fired_before);
    const bool is_full = error == ENOSPC || error == EDQUOT;
    CHECK(why.code == (is_full ? core::errc::wal_full : core::errc::io_failed));
  }

  /// Three segments, dead letters, settling, retention, two openings.
  void run_workload(duration how_long) {
    open();
    append({"a0", "a1", "a2"});
    deliver("a0");
    append({"b0"}, mib);  // rotates
    append({"c0", "c1", "c2"});
    fail("a1");
    deliver("b0");
    run("sync", [&] { return log->sync(); });
    run("settle", [&] { return log->settle(); });
    append({"d0"});
    deliver("a2");
    deliver("c0");
    run("maintain", [&] { return log->maintain(); });
    append({"e0"});
    run("settle again", [&] { return log->settle(); });  // rotates
    fail("c1");
    run("maintain again", [&] { return log->maintain(); });
    if (how_long == duration::first_log) heal();
    auto durable = log->close();
    if (!durable)
      for (const auto& marks : {told.delivered, told.failed})
        told.uncertain.insert(marks.begin(), marks.end());
    CHECK((durable || files->faults_fired() > 0));
    log.reset();
    open();
    append({"f0", "f1"});
    deliver("d0");
  }

  /// The disk is well again: the same log object goes on at once, and knows all it has promised.
  void heal() {
    files->heal();
    append({"after " + std::to_string(++healed_)});
    CHECK(told.acknowledged.count("after " + std::to_string(healed_)) == 1);
    CHECK(log->trouble().empty());
    REQUIRE(log->sync().ok());
    check_pending(*log);
  }

  /// All that was promised is there.
  void check(ending how_it_ends) {
    heal();
    CHECK(files->uses_after_failed_sync() == 0);
    if (how_it_ends == ending::close) {
      REQUIRE(log->close().ok());
      log.reset();
      check_lines();
    } else {
      files->cut_power_at(1);
      log.reset();
      files->crash(survival::nothing);
    }
    log = open_log(how);
    if (how_it_ends == ending::power_cut) forget_refused();
    check_pending(*log);
    check_failed();
    CHECK(log->stats().crc_failures == 0);
    CHECK(log->stats().malformed_lines == 0);
    log.reset();
    CHECK_FALSE(has_temporary_files());
  }

  temp_dir dir;
  std::unique_ptr<failing_files> files;
  wal::options how;
  std::unique_ptr<wal::log> log;
  promises told;
  int error = 0;  ///< of the fault

 private:
  std::set<std::string> expected_pending() const {
    auto expected = told.acknowledged;
    for (const auto& gone : {told.delivered, told.failed})
      for (const auto& id : gone) expected.erase(id);
    return expected;
  }

  /// What was refused was cut off; but the power may go before the cut is on disk.
  void forget_refused() { told.uncertain.insert(told.refused.begin(), told.refused.end()); }

  void check_pending(wal::log& of) {
    auto ids = replayed_ids(of);
    std::set<std::string> distinct(ids.begin(), ids.end());
    CHECK(distinct.size() == ids.size());
    CHECK(certain(distinct) == certain(expected_pending()));
  }

  std::set<std::string> certain(std::set<std::string> ids) const {
    for (const auto& id : told.uncertain) ids.erase(id);
    return ids;
  }

  void check_failed() {
    std::set<std::string> dead;
    REQUIRE(log->dead_letters({},
                              [&](const wal::dead_letter& one) {
                                CHECK(one.reason == "no such table");
                                CHECK(dead.insert(one.entry.payload_id).second);
                              })
                .ok());
    CHECK(certain(dead) == certain(told.failed));
  }

  /// After a clean close each line has its true status.
  void check_lines() {
    if (how.encryption.enabled) return;  // nobody but the log can read them
    auto lines = statuses_in(how.directory);
    for (const auto& id : certain(expected_pending())) {
      INFO(id);
      CHECK(lines[id] == std::set<std::string>{"PENDING"});
    }
    for (const auto& id : certain(told.failed)) {
      INFO(id);
      CHECK(lines[id] == std::set<std::string>{"PERMANENT_FAILURE"});
    }
    for (const auto& id : certain(told.delivered)) {
      INFO(id);
      CHECK((lines.count(id) == 0 || lines[id] == std::set<std::string>{"DELIVERED"}));
    }
  }

  int healed_ = 0;

  bool has_temporary_files() const {
    for (const auto& one : std::filesystem::directory_iterator(how.directory))
      if (one.path().extension() == ".tmp") return true;
    return false;
  }
};

}  // namespace nexus::test
