// What comes from outside while the log runs: a disk that fills up, a directory that goes away, a
// clock that jumps, signals.
#include <sched.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/wal/fault_support.hpp"

using namespace nexus;
using namespace nexus::test;
using core::errc;

TEST_CASE("entries are refused below the watermark, marks and dead letters go on, and it ends") {
  faulty_log at;
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
  faulty_log at;
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
    REQUIRE(std::filesystem::exists(at.dir / "wal/reserve"));  // it is not for entries
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
  auto now = core::now();  // for longer than the log, which asks for it until it is closed
  faulty_log at;
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
