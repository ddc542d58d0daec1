#include "ingest/security_log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::ingest;

namespace {

security_event event_of(const std::string& type, const std::string& request_id = "r") {
  security_event event;
  event.event_type = type;
  event.source = "app";
  event.ip = "192.0.2.1";
  event.timestamp = core::time_point(std::chrono::seconds(1'767'225'600));
  event.details = {{"request_id", request_id}};
  return event;
}

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream text(test::read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

unsigned mode_of(const std::string& path) {
  struct stat about {};
  REQUIRE(::stat(path.c_str(), &about) == 0);
  return about.st_mode & 0777U;
}

struct fixture {
  test::temp_dir directory;
  std::string file = directory / "logs/security.jsonl";
  core::metrics metrics;
  std::shared_ptr<test::recording_logger> log = std::make_shared<test::recording_logger>();
  security_log_options how;

  security_log_ptr open(core::file_system& files = core::posix_files()) {
    how.file = file;
    auto opened = open_security_log(how, files, log, metrics);
    REQUIRE(opened);
    return *opened;
  }
  double lost() { return metrics.get_counter("nexus_security_events_lost_total", "").value(); }
};

}  // namespace

TEST_CASE("a security event is a line with its keys in order, without those that are empty") {
  auto event = event_of("wal_tamper_detected");
  event.source.clear();
  event.details = {{"segment_file", "/a"}, {"line_number", std::int64_t{5}}};
  CHECK(to_json(event) ==
        R"({"event_type":"wal_tamper_detected","ip":"192.0.2.1",)"
        R"("timestamp":"2026-01-01T00:00:00Z","details":{"segment_file":"/a","line_number":5}})");
}

TEST_CASE("security events are in a file of mode 0600 in a directory of mode 0700") {
  fixture f;
  {
    const auto log = f.open();
    log->record(event_of("auth_failure", "first"));
    log->record(event_of("admin_access", "second"));
  }
  const auto lines = lines_of(f.file);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("first") != std::string::npos);
  CHECK(lines[1].find("second") != std::string::npos);
  CHECK(mode_of(f.file) == 0600);
  CHECK(mode_of(f.directory / "logs") == 0700);
}

TEST_CASE("a directory that is there keeps its mode") {
  fixture f;
  REQUIRE(::mkdir((f.directory / "logs").c_str(), 0755) == 0);
  f.open();
  CHECK(mode_of(f.directory / "logs") == 0755);
}

TEST_CASE("security events are appended to those of earlier runs, also behind half a line") {
  fixture f;
  f.open()->record(event_of("auth_failure", "first"));
  std::ofstream(f.file, std::ios::app) << "{\"event_ty";
  f.open()->record(event_of("auth_failure", "second"));
  const auto lines = lines_of(f.file);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1] == "{\"event_ty");
  CHECK(lines[2].find("second") != std::string::npos);
}

TEST_CASE("a file of security events that has grown enough is renamed, and the oldest goes") {
  fixture f;
  f.how.file_bytes_max = 300;
  f.how.files_max = 2;
  for (int i = 0; i < 9; ++i) f.open()->record(event_of("auth_failure", std::to_string(i)));
  std::string all;
  for (const std::string name : {".2", ".1", ""}) {
    const auto text = test::read_file(f.file + name);
    CHECK(text.size() <= 300);
    CHECK(mode_of(f.file + name) == 0600);
    all += text;
  }
  CHECK(all.find("\"8\"") != std::string::npos);
  CHECK(all.find("\"0\"") == std::string::npos);
  CHECK(::access((f.file + ".3").c_str(), F_OK) != 0);
}

TEST_CASE("a file that somebody else has renamed is begun anew") {
  fixture f;
  f.open()->record(event_of("auth_failure", "first"));
  auto log = f.open();
  REQUIRE(std::rename(f.file.c_str(), (f.file + ".old").c_str()) == 0);
  log->record(event_of("auth_failure", "second"));
  log.reset();
  CHECK(lines_of(f.file).size() == 1);
  CHECK(lines_of(f.file + ".old").size() == 1);
}

TEST_CASE("events that do not fit on the disk are counted, reported once, and noted afterwards") {
  fixture f;
  test::failing_files files(f.directory.path());
  auto log = f.open(files);
  files.fail({test::operation::write, 1, true, ENOSPC});
  for (int i = 0; i < 20; ++i) log->record(event_of("auth_failure", std::to_string(i)));
  log.reset();
  CHECK(f.lost() == 20);
  CHECK(f.log->count(core::log_level::error) == 1);
  CHECK(lines_of(f.file).empty());
}

TEST_CASE("once events can be written again the file says how many were lost") {
  fixture f;
  test::failing_files files(f.directory.path());
  auto log = f.open(files);
  files.fail({test::operation::write, 1, true, ENOSPC});
  for (int i = 1; i <= 2; ++i) {  // apart: the first is to be noted as well
    log->record(event_of("auth_failure", "lost"));
    while (f.lost() < i) std::this_thread::yield();
  }
  files.heal();
  log->record(event_of("auth_failure", "kept"));
  log.reset();
  const auto lines = lines_of(f.file);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find(R"("event_type":"security_events_lost")") != std::string::npos);
  CHECK(lines[0].find(R"("count":2)") != std::string::npos);
  CHECK(lines[1].find("kept") != std::string::npos);
}

TEST_CASE("a file for security events that cannot be opened is an error that names it") {
  fixture f;
  core::metrics metrics;
  test::write_file(f.directory / "logs", "a file, no directory");
  f.how.file = f.file;
  const auto opened = open_security_log(f.how, core::posix_files(), f.log, metrics);
  REQUIRE_FALSE(opened);
  CHECK(opened.reason().text.find("security_events.log_file") != std::string::npos);
  CHECK(opened.reason().text.find("security.jsonl") != std::string::npos);
}

TEST_CASE("the latest 1024 events are held in memory, and long texts of clients are cut") {
  const auto log = make_memory_security_log();
  for (int i = 0; i < 2000; ++i)
    log->record(event_of("auth_failure", std::string(10'000, 'x') + std::to_string(i)));
  const auto kept = log->recent(5000);
  CHECK(kept.size() == 1024);
  CHECK(std::get<std::string>(kept[0].details[0].second).size() == security_text_bytes_max);
  CHECK(log->totals().auth_failures == 2000);
}
