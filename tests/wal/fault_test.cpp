// Every kind of fault at every operation, one after the other, through the log's public functions;
// and the faults that come from outside: a directory that goes away, a clock that jumps, signals, a
// full disk.
#include <sched.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/wal/log_support.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

namespace {

constexpr std::uint64_t mib = 1 << 20;

/// What the caller has been told.
struct promises {
  std::set<std::string> acknowledged, refused, delivered, failed;
  /// Marks that were not durable when the log was closed on a disk that was failing: they hold or
  /// they don't.
  std::set<std::string> uncertain;
};

/// The status of each payload id in the lines of all files of the log, dead letters included. The
/// dead-letter file may end in a piece of a line, which the next dead letter takes the place of.
std::map<std::string, std::set<std::string>> statuses_in(const std::string& directory) {
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
class bench {
 public:
  explicit bench(protection lines = protection::crc) {
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
    CHECK(why.code == (is_full ? errc::wal_full : errc::io_failed));
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

struct kind_of_fault {
  operation which;
  std::vector<int> errors;
  std::vector<std::size_t> short_writes = {0};
};

const std::vector<kind_of_fault> all_faults = {
    {operation::create, {EIO, ENOSPC, EDQUOT, EROFS, EMFILE}},
    {operation::write, {EIO, ENOSPC, EDQUOT, EROFS}, {0, 40}},
    {operation::sync, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::allocate, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::truncate, {EIO, ENOSPC, EROFS}},
    {operation::rename, {EIO, ENOSPC, EDQUOT, EROFS}},
    {operation::remove, {EIO, EROFS}},
    {operation::sync_directory, {EIO, ENOSPC, EMFILE}},
    {operation::open_read, {EIO, EMFILE}},
    {operation::open_write, {EIO, EROFS, EMFILE}},
    {operation::read, {EIO}},
    {operation::list, {EIO, EMFILE}},
    {operation::check_in_place, {EIO}},
};

/// One fault after the other, until a workload has none left to fail. Returns how many have fired.
std::uint64_t try_all(const kind_of_fault& kind, duration how_long,
                      protection lines = protection::crc) {
  std::uint64_t total = 0;
  for (auto error : kind.errors)
    for (auto written : kind.short_writes)
      for (std::uint64_t n = 1;; ++n) {
        bench at(lines);
        at.error = error;
        at.files->fail({kind.which, n, how_long != duration::once, error, written});
        const auto last =
            (n + static_cast<std::uint64_t>(error)) % 2 == 0 ? ending::close : ending::power_cut;
        INFO("operation " << static_cast<int>(kind.which) << " number " << n << ", errno " << error
                          << ", written " << written << ", ending " << static_cast<int>(last));
        at.run_workload(how_long);
        const auto fired = at.files->faults_fired();
        at.check(last);
        if (fired == 0) break;
        total += fired;
        REQUIRE(n < 1000);
      }
  return total;
}

}  // namespace

TEST_CASE("one fault at any operation costs only what was refused, and the same log goes on") {
  std::uint64_t fired = 0;
  for (const auto& kind : all_faults) {
    auto of_kind = try_all(kind, duration::once);
    INFO("operation " << static_cast<int>(kind.which));
    CHECK(of_kind > 0);
    fired += of_kind;
  }
  CHECK(fired > 250);
}

TEST_CASE("one fault at any operation does no more harm to signed and encrypted lines") {
  std::uint64_t fired = 0;
  for (auto lines : {protection::mac, protection::encrypted_mac})
    for (auto kind : all_faults) {
      kind.errors = {kind.errors.front()};
      fired += try_all(kind, duration::once, lines);
    }
  CHECK(fired > 200);
}

TEST_CASE("faults that stay from any operation on cost only what was refused, until they end") {
  for (auto lines : {protection::crc, protection::mac}) {
    std::uint64_t fired = 0;
    for (auto kind : all_faults) {
      kind.errors = {kind.errors.front(), kind.errors.back()};
      fired += try_all(kind, duration::first_log, lines);
    }
    CHECK(fired > 500);
  }
}

TEST_CASE("a log that is closed and opened on a failing disk loses marks at most") {
  for (auto lines : {protection::crc, protection::encrypted_mac}) {
    std::uint64_t fired = 0;
    for (auto kind : all_faults) {
      kind.errors = {kind.errors.front()};
      fired += try_all(kind, duration::always, lines);
    }
    CHECK(fired > 250);
  }
}

TEST_CASE("a power cut after a dead letter was copied and before its segment is gone leaves one") {
  for (auto lines : {protection::crc, protection::mac, protection::encrypted_mac}) {
    bench at(lines);
    at.open();
    at.append({"a0"});
    at.append({"b0"}, mib);  // rotates
    at.append({"c0"});
    at.fail("a0");
    at.deliver("b0");
    REQUIRE(at.log->sync().ok());
    at.error = EIO;
    at.files->fail({operation::remove, 1, true, EIO});
    CHECK_FALSE(at.log->maintain().ok());
    at.files->cut_power_at(1);
    at.log.reset();
    at.files->crash(survival::nothing);
    REQUIRE(std::filesystem::exists(at.dir / "wal/dead-letter.jsonl"));
    at.open();
    CHECK(at.log->stats().dead_letters == 1);
    at.check(ending::close);
  }
}

TEST_CASE("entries are refused below the watermark, marks and dead letters go on, and it ends") {
  bench at;
  at.how.min_free_bytes = 8 * mib;
  at.how.retain_delivered_hours = 0;
  at.files->pretend_free(8 * mib);
  at.open();
  at.append({"a0", "a1", "a2"}, mib / 2);  // fills the first segment
  at.append({"b0"});
  at.files->pretend_free(8 * mib - 1);
  // What the log knows of the disk may be 200 ms or 4 MiB old.
  std::set<std::string> let_in;
  auto refused = [&] {
    auto done = at.log->append(make_entry("x" + std::to_string(let_in.size())));
    if (done) let_in.insert("x" + std::to_string(let_in.size()));
    if (!done) CHECK(done.reason().code == errc::wal_full);
    return !done;
  };
  for (int i = 0; i < 1'000'000 && !refused(); ++i) {
  }
  REQUIRE(refused());
  CHECK(at.log->trouble().find("min_free_bytes") != std::string::npos);
  CHECK(at.log->mark_delivered("a0").ok());
  CHECK(at.log->mark_delivered("a1").ok());
  CHECK(at.log->mark_permanent_failure("a2", "no such table").ok());
  CHECK(at.log->sync().ok());
  CHECK_FALSE(at.log->trouble().empty());
  const auto before = segments_in(at.dir / "wal").size();
  CHECK(at.log->maintain().ok());
  CHECK(std::filesystem::exists(at.dir / "wal/dead-letter.jsonl"));
  CHECK(segments_in(at.dir / "wal").size() == before);  // a segment less, the dead letters more
  CHECK(refused());
  at.files->pretend_free(8 * mib);
  at.append({"c0"});
  CHECK(at.told.acknowledged.count("c0") == 1);
  auto expected = let_in;
  expected.insert({"b0", "c0"});
  at.log.reset();
  auto left = ids_after_reopen(at.how);
  CHECK(std::set<std::string>(left.begin(), left.end()) == expected);
  CHECK(open_log(at.how)->stats().dead_letters == 1);
}

TEST_CASE("a small disk fills up, delivers on from its reserve, and takes entries again") {
  bench at;
  at.how.reserve_bytes = 256 << 10;
  at.files->set_capacity(4 * mib);
  at.open();
  std::vector<std::string> accepted;
  for (int i = 0; i < 1000; ++i) {
    auto value = make_entry("n" + std::to_string(i));
    value.payload = "\"" + std::string(50'000, 'z') + "\"";
    auto done = at.log->append(value);
    if (!done) {
      CHECK(done.reason().code == errc::wal_full);
      break;
    }
    accepted.push_back(value.payload_id);
  }
  REQUIRE(accepted.size() > 40);
  REQUIRE(accepted.size() < 100);
  CHECK(replayed_ids(*at.log) == accepted);
  for (const auto& id : accepted) CHECK(at.log->mark_delivered(id).ok());
  CHECK(at.log->sync().ok());
  CHECK(at.log->pending_count() == 0);
  copy_as_killed(at.dir / "wal", at.dir / "copy");
  CHECK(ids_after_reopen(at.dir / "copy").empty());
  CHECK(at.log->maintain().ok());
  append_ids(*at.log, {"after"});
  CHECK(at.log->trouble().empty());
  CHECK(at.log->maintain().ok());
  CHECK(std::filesystem::exists(at.dir / "wal/reserve"));
  at.log.reset();
  CHECK(ids_after_reopen(at.how) == std::vector<std::string>{"after"});
}

TEST_CASE("nothing is acknowledged into a directory that was moved away, until it is back") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  auto log = open_log(how);
  append_ids(*log, {"a"});
  std::filesystem::rename(dir / "wal", dir / "away");
  for (int i = 0; i < 3; ++i) {
    CHECK(log->append(make_entry("lost")).reason().code == errc::io_failed);
    CHECK_FALSE(log->trouble().empty());
  }
  CHECK_FALSE(std::filesystem::exists(dir / "wal"));
  std::filesystem::rename(dir / "away", dir / "wal");
  append_ids(*log, {"b"});
  CHECK(log->trouble().empty());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"a", "b"});
  REQUIRE(log->close().ok());
  CHECK(ids_after_reopen(how) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("nothing is acknowledged into a directory that was removed, until there is one again") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  auto log = open_log(how);
  append_ids(*log, {"a"});
  REQUIRE(log->mark_delivered("a").ok());
  std::filesystem::remove_all(dir / "wal");
  for (int i = 0; i < 3; ++i)
    CHECK(log->append(make_entry("lost")).reason().code == errc::io_failed);
  std::filesystem::create_directories(dir / "wal");
  append_ids(*log, {"b"});
  CHECK(log->trouble().empty());
  CHECK(replayed_ids(*log) == std::vector<std::string>{"b"});
  copy_as_killed(dir / "wal", dir / "copy");
  CHECK(ids_after_reopen(dir / "copy") == std::vector<std::string>{"b"});
}

TEST_CASE("a segment that is removed or replaced while it is written to takes no entry along") {
  for (bool replaced : {false, true}) {
    temp_dir dir;
    auto how = options_for(dir / "wal");
    auto log = open_log(how);
    append_ids(*log, {"a"});
    auto path = segments_in(dir / "wal").front();
    auto bytes = read_file(path);
    std::filesystem::remove(path);
    if (replaced) write_file(path, bytes);
    CHECK(log->append(make_entry("lost")).reason().code == errc::io_failed);
    append_ids(*log, {"b"});
    (void)log->close().ok();
    log.reset();
    auto left = ids_after_reopen(how);
    CHECK(left == (replaced ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"b"}));
  }
}

TEST_CASE("a clock that jumps back neither reorders segments nor ends their retention") {
  bench at;
  auto now = core::now();
  at.how.clock = [&] { return now; };
  at.how.retain_delivered_hours = 1;
  at.open();
  std::vector<std::string> names;
  for (std::string id : {"a", "b", "c"}) {
    at.append({id}, mib);
    names.push_back(at.log->current_segment());
    now -= std::chrono::hours(24 * 365);
  }
  at.log.reset();
  at.open();
  at.append({"d"}, mib);
  names.push_back(at.log->current_segment());
  CHECK(std::is_sorted(names.begin(), names.end()));
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  CHECK(replayed_ids(*at.log) == std::vector<std::string>{"a", "b", "c", "d"});
  for (std::string id : {"a", "b", "c", "d"}) at.deliver(id);
  const auto before = at.log->stats().segments;
  for (int i = 0; i < 3; ++i) REQUIRE(at.log->maintain().ok());
  CHECK(at.log->stats().segments == before);
  CHECK(at.log->sample_delivered(10)->size() == 4);
  now = core::now() + std::chrono::hours(2);
  for (int i = 0; i < 3; ++i) REQUIRE(at.log->maintain().ok());
  CHECK(at.log->stats().segments < before);
}

TEST_CASE("signals that interrupt system calls do no harm") {
  temp_dir dir;
  auto how = options_for(dir / "wal");
  how.max_segment_size_mb = 1;
  how.retain_delivered_hours = 0;
  static std::atomic<std::uint64_t> signals;
  signals = 0;
  struct sigaction ours {
  }, theirs{};
  ours.sa_handler = [](int) { ++signals; };
  REQUIRE(::sigaction(SIGALRM, &ours, &theirs) == 0);  // no SA_RESTART
  itimerval often{{0, 200}, {0, 200}}, off{};
  REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  std::vector<std::string> kept;
  for (int round = 0; round < 4; ++round) {
    auto log = open_log(how);
    for (int i = 0; i < 40; ++i) {
      auto value = make_entry("r" + std::to_string(round) + "-" + std::to_string(i));
      value.payload = "\"" + std::string(60'000, 'z') + "\"";
      CHECK(log->append(value).ok());
      if (i % 2 == 0)
        CHECK(log->mark_delivered(value.payload_id).ok());
      else
        kept.push_back(value.payload_id);
    }
    CHECK(log->settle().ok());
    CHECK(log->maintain().ok());
    CHECK(log->close().ok());
  }
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &theirs, nullptr);
  CHECK(signals > 10);
  CHECK(ids_after_reopen(how) == kept);
}

namespace {

/// In a process of its own, with a tmpfs of 6 MiB mounted on `at` that nobody else sees: fills the
/// disk and frees it again. Writes what went wrong to `report`.
class real_full_disk {
 public:
  real_full_disk(std::string at, int report) : at_(std::move(at)), report_(report) {}

  /// False: this machine does not let us mount.
  bool mount() const {
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=6m") == 0;
  }

  void run() {
    auto how = options_for(at_ + "/wal");
    how.max_segment_size_mb = 1;
    how.retain_delivered_hours = 0;
    how.min_free_bytes = 0;
    how.reserve_bytes = 512 << 10;
    auto opened = wal::log::open(how);
    if (!expect(opened.ok(), "it opens")) return;
    auto& log = **opened;
    std::vector<std::string> accepted;
    for (int i = 0; i < 1000; ++i) {
      auto value = make_entry("n" + std::to_string(i));
      value.payload = "\"" + std::string(30'000, 'z') + "\"";
      auto done = log.append(value);
      if (!done) {
        expect(done.reason().code == errc::wal_full, "the disk is full: " + done.reason().text);
        break;
      }
      accepted.push_back(value.payload_id);
    }
    expect(accepted.size() > 100 && accepted.size() < 220, std::to_string(accepted.size()));
    expect(replayed(log) == accepted, "what was accepted is there");
    for (const auto& id : accepted) expect(log.mark_delivered(id), "a mark on a full disk");
    expect(log.sync(), "the marks are durable");
    expect(log.maintain(), "retention on a full disk");
    expect(log.append(make_entry("after")), "it takes entries again");
    expect(log.close(), "it closes");
    opened = wal::log::open(how);
    if (!expect(opened.ok(), "it opens again")) return;
    expect(replayed(**opened) == std::vector<std::string>{"after"}, "the marks were kept");
  }

 private:
  static std::vector<std::string> replayed(wal::log& from) {
    std::vector<std::string> ids;
    (void)from.replay([&](const core::entry& one) { ids.push_back(one.payload_id); }).ok();
    return ids;
  }
  bool expect(bool holds, const std::string& what) const {
    auto text = what + "\n";
    if (!holds && ::write(report_, text.data(), text.size()) < 0) std::abort();
    return holds;
  }
  void expect(const core::result<void>& done, const std::string& what) const {
    if (!done) expect(false, what + ": " + done.reason().text);
  }

  std::string at_;
  int report_;
};

}  // namespace

TEST_CASE("a real disk that is full to the last byte delivers on and takes entries again") {
  temp_dir dir;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    real_full_disk disk(dir.path(), ends[1]);
    if (!disk.mount()) ::_exit(77);
    disk.run();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string wrong;
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof(buffer))) > 0;)
    wrong.append(buffer, static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) {
    WARN("skipped: this machine does not let a test mount a tmpfs");
    return;
  }
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(wrong == "");
}
