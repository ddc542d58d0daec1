#include "destinations/jsonl.hpp"

#include <sys/stat.h>

#include <thread>

#include "core/path.hpp"
#include "destinations/jsonl_lines.hpp"
#include "destinations/recent_ids.hpp"
#include "tests/destinations/jsonl_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using nexus::core::errc;

namespace {

using kinds = std::vector<outcome_kind>;

kinds all_delivered(std::size_t count) {
  return kinds(count, outcome_kind::delivered);
}

jsonl_options at(const std::string& path) {
  jsonl_options how;
  how.path = path;
  return how;
}

/// Rotates before every batch but the first.
jsonl_options rotating(const std::string& path, std::size_t keep_files = 0) {
  jsonl_options how = at(path);
  how.rotate_bytes = 1;
  how.keep_files = keep_files;
  return how;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

}  // namespace

TEST_CASE("jsonl: each entry is a line, its payload without white space, in the order given") {
  const temp_dir dir;
  const std::string path = dir / "a/b/events.jsonl";
  auto to = make_jsonl(at(path));
  const std::vector batch{json_entry("1", "{\"payload_id\": \"1\",\n \"text\": \"a\\nb c\"}"),
                          json_entry("2", "[1.0, 1e400]"), entry_of_id("3")};
  for (const auto& outcome : to->deliver(batch)) CHECK(outcome.kind == outcome_kind::delivered);
  CHECK(read_file(path) ==
        "{\"payload_id\":\"1\",\"text\":\"a\\nb c\"}\n[1.0,1e400]\n" + line_of_id("3") + "\n");
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(dir / "a") == 0700);
}

TEST_CASE("jsonl: a line may hold the whole entry") {
  const temp_dir dir;
  jsonl_options how = at(dir / "events.jsonl");
  how.line = jsonl_line::entry;
  CHECK(deliver_ids(*make_jsonl(how), {"p1"}) == all_delivered(1));
  std::string expected;
  REQUIRE(nexus::core::append_json(expected, *entry_of_id("p1")).ok());
  CHECK(lines_in(how.path) == texts{expected});
  // Opened anew, it finds the id in such a line, too.
  CHECK(deliver_ids(*make_jsonl(how), {"p1", "p2"}) == all_delivered(2));
  CHECK(lines_in(how.path).size() == 2);
}

TEST_CASE("jsonl: a payload that is no JSON is refused for good, the others are written") {
  const temp_dir dir;
  auto to = make_jsonl(at(dir / "events.jsonl"));
  const auto outcomes =
      to->deliver(std::vector{entry_of_id("1"), json_entry("2", "{\"a\":"), entry_of_id("3")});
  REQUIRE(outcomes.size() == 3);
  CHECK(outcomes[0].kind == outcome_kind::delivered);
  CHECK(outcomes[1].kind == outcome_kind::permanent);
  CHECK_FALSE(outcomes[1].reason.empty());
  CHECK(outcomes[2].kind == outcome_kind::delivered);
  CHECK(lines_in(dir / "events.jsonl") == lines_of_ids({"1", "3"}));
}

TEST_CASE("jsonl: what comes again is delivered, and written once") {
  const temp_dir dir;
  const std::string path = dir / "events.jsonl";
  auto to = make_jsonl(at(path));
  CHECK(deliver_ids(*to, {"1", "2", "1"}) == all_delivered(3));
  CHECK(deliver_ids(*to, {"2", "3"}) == all_delivered(2));
  to.reset();
  CHECK(deliver_ids(*make_jsonl(at(path)), {"1", "2", "3", "4"}) == all_delivered(4));
  CHECK(lines_in(path) == lines_of_ids({"1", "2", "3", "4"}));
}

TEST_CASE("jsonl: what comes again is known from the rotated files as well") {
  const temp_dir dir;
  const auto how = rotating(dir / "events.jsonl");
  for (const char* id : {"1", "2", "3"}) {
    CHECK(deliver_ids(*make_jsonl(how), {id}) == all_delivered(1));
  }
  CHECK(files_in(dir.path()).size() == 3);
  CHECK(deliver_ids(*make_jsonl(how), {"3", "1", "2"}) == all_delivered(3));
  CHECK(all_lines(dir.path()) == lines_of_ids({"1", "2", "3"}));
}

TEST_CASE("jsonl: a line that a crash has cut off goes, and is written anew") {
  const temp_dir dir;
  const std::string path = dir / "events.jsonl", torn = line_of_id("2");
  for (std::size_t length = 1; length < torn.size(); ++length) {
    write_file(path, line_of_id("1") + "\n" + torn.substr(0, length));
    REQUIRE(deliver_ids(*make_jsonl(at(path)), {"2"}) == all_delivered(1));
    REQUIRE(lines_in(path) == lines_of_ids({"1", "2"}));
  }
  write_file(path, line_of_id("1") + "\n" + std::string(5000, '\0'));
  CHECK(deliver_ids(*make_jsonl(at(path)), {"2"}) == all_delivered(1));
  CHECK(lines_in(path) == lines_of_ids({"1", "2"}));
}

TEST_CASE("jsonl: a line that lacks only its newline gets it") {
  const temp_dir dir;
  const std::string path = dir / "events.jsonl";
  write_file(path, line_of_id("1") + "\n" + line_of_id("2"));
  CHECK(deliver_ids(*make_jsonl(at(path)), {"2", "3"}) == all_delivered(2));
  CHECK(lines_in(path) == lines_of_ids({"1", "2", "3"}));
}

TEST_CASE("jsonl: what somebody else wrote is never cut off, and never glued to a line") {
  const temp_dir dir;
  const std::string path = dir / "events.jsonl";
  write_file(path, "some words\n\nand more");
  CHECK(deliver_ids(*make_jsonl(at(path)), {"1"}) == all_delivered(1));
  CHECK(lines_in(path) == texts{"some words", "", "and more", line_of_id("1")});
}

TEST_CASE("jsonl: a file is rotated before the batch that would make it too large") {
  const temp_dir dir;
  jsonl_options how = at(dir / "events.jsonl");
  how.rotate_bytes = 2 * (line_of_id("1").size() + 1);
  auto to = make_jsonl(how);
  for (const char* id : {"1", "2", "3"}) CHECK(deliver_ids(*to, {id}) == all_delivered(1));
  CHECK(lines_in(how.path) == lines_of_ids({"3"}));
  auto files = files_in(dir.path());
  REQUIRE(files.size() == 2);
  CHECK(lines_in(files[0]) == lines_of_ids({"1", "2"}));
  // events-20261124T013000.123Z.jsonl
  const std::string name = std::filesystem::path(files[0]).filename().string();
  CHECK(name.size() == std::string("events-20261124T013000.123Z.jsonl").size());
  CHECK(name.starts_with("events-20"));
  CHECK(name.ends_with("Z.jsonl"));
  CHECK(mode_of(how.path) == 0600);
  // A batch that is larger than a file may be stays together.
  CHECK(deliver_ids(*to, {"4", "5", "6"}) == all_delivered(3));
  CHECK(lines_in(how.path) == lines_of_ids({"4", "5", "6"}));
}

TEST_CASE("jsonl: rotated files sort in the order in which they were written, and none is lost") {
  const temp_dir dir;
  // From a clock that was ahead; and files that are none of ours.
  write_file(dir / "events-21990101T000000.999Z.jsonl", line_of_id("0") + "\n");
  write_file(dir / "other-20200101T000000.000Z.jsonl", "");
  write_file(dir / "events-notes.jsonl", "");
  auto to = make_jsonl(rotating(dir / "events.jsonl"));
  texts ids{"0"};
  for (int i = 1; i <= 20; ++i) {
    ids.push_back(std::to_string(i));
    REQUIRE(deliver_ids(*to, {ids.back()}) == all_delivered(1));
  }
  CHECK(files_in(dir.path()).size() == 23);
  CHECK(all_lines(dir.path()) == lines_of_ids(ids));
}

TEST_CASE("jsonl: without a size a file is never rotated") {
  const temp_dir dir;
  jsonl_options how = at(dir / "events.jsonl");
  how.rotate_bytes = 0;
  auto to = make_jsonl(how);
  for (const char* id : {"1", "2"}) CHECK(deliver_ids(*to, {id}) == all_delivered(1));
  CHECK(files_in(dir.path()).size() == 1);
}

TEST_CASE("jsonl: only so many rotated files stay, the newest") {
  const temp_dir dir;
  auto to = make_jsonl(rotating(dir / "events.jsonl", 2));
  for (const char* id : {"1", "2", "3", "4", "5"}) {
    CHECK(deliver_ids(*to, {id}) == all_delivered(1));
  }
  CHECK(all_lines(dir.path()) == lines_of_ids({"3", "4", "5"}));
  // What was removed is still known to have been delivered.
  CHECK(deliver_ids(*to, {"1"}) == all_delivered(1));
  CHECK(all_lines(dir.path()) == lines_of_ids({"3", "4", "5"}));
}

TEST_CASE("jsonl: a file that is moved away, removed, replaced or emptied is opened anew") {
  const temp_dir dir;
  const std::string path = dir / "events.jsonl";
  auto to = make_jsonl(at(path));
  CHECK(deliver_ids(*to, {"1"}) == all_delivered(1));
  std::filesystem::rename(path, dir / "moved");
  CHECK(deliver_ids(*to, {"1", "2"}) == all_delivered(2));
  CHECK(lines_in(dir / "moved") == lines_of_ids({"1"}));
  CHECK(lines_in(path) == lines_of_ids({"2"}));
  std::filesystem::remove(path);
  CHECK(deliver_ids(*to, {"3"}) == all_delivered(1));
  CHECK(lines_in(path) == lines_of_ids({"3"}));
  write_file(dir / "new", line_of_id("9") + "\n");
  std::filesystem::rename(dir / "new", path);
  CHECK(deliver_ids(*to, {"4", "9"}) == all_delivered(2));
  CHECK(lines_in(path) == lines_of_ids({"9", "4"}));
  std::filesystem::resize_file(path, 0);
  CHECK(deliver_ids(*to, {"5"}) == all_delivered(1));
  CHECK(lines_in(path) == lines_of_ids({"5"}));
}

TEST_CASE("jsonl: instances of one file take turns") {
  const temp_dir dir;
  const auto how = at(dir / "events.jsonl");
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&how, worker] {
      auto to = make_jsonl(how);
      for (int i = 0; i < 50; ++i) {
        // Every id is delivered by two of them.
        const auto id = std::to_string(worker / 2) + "-" + std::to_string(i);
        (void)to->deliver(entries_of({id}));
      }
    });
  }
  for (auto& each : workers) each.join();
  auto lines = lines_in(how.path);
  std::ranges::sort(lines);
  CHECK(lines.size() == 100);
  CHECK(std::ranges::adjacent_find(lines) == lines.end());
  for (const auto& line : lines) CHECK(line.size() <= line_of_id("1-49").size());
}

TEST_CASE("jsonl: exists looks into the file and the rotated ones") {
  const temp_dir dir;
  auto to = make_jsonl(rotating(dir / "events.jsonl"));
  const texts ids{"1", "2", "3"};
  auto found = to->exists(ids);
  REQUIRE(found.ok());
  CHECK(*found == std::vector{false, false, false});
  CHECK(deliver_ids(*to, {"1"}) == all_delivered(1));
  CHECK(deliver_ids(*to, {"3"}) == all_delivered(1));
  found = to->exists(ids);
  REQUIRE(found.ok());
  CHECK(*found == std::vector{true, false, true});
}

TEST_CASE("jsonl: ping creates nothing, and says what a delivery would meet") {
  const temp_dir dir;
  CHECK(make_jsonl(at(dir / "a/b/events.jsonl"))->ping().ok());
  CHECK(files_in(dir.path()).empty());
  CHECK_FALSE(std::filesystem::exists(dir / "a"));

  write_file(dir / "file", "x");
  std::filesystem::create_directory(dir / "directory");
  for (const auto& path : {dir / "file/events.jsonl", dir / "directory"}) {
    auto to = make_jsonl(at(path));
    const auto answer = to->ping();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.reason().code == errc::bad_config);
    CHECK(answer.reason().text.find(dir.path()) != std::string::npos);
    CHECK(deliver_ids(*to, {"1"}) == kinds{outcome_kind::config_fault});
  }
}

TEST_CASE("jsonl: lines are found whole, wherever the reading begins and however long they are") {
  const temp_dir dir;
  texts lines{"a", "", std::string(300'000, 'b'), "c", std::string(262'143, 'd'), "e"};
  std::string bytes;
  std::vector<std::uint64_t> begins;
  for (const auto& line : lines) {
    begins.push_back(bytes.size());
    bytes += line + "\n";
  }
  write_file(dir / "f", bytes + "torn");
  auto file = nexus::core::posix_files().open_read(dir / "f");
  REQUIRE(file.ok());
  for (std::size_t first = 0; first < lines.size(); ++first) {
    for (const int shift : {-1, 0, 1}) {
      const auto begin = std::max<std::int64_t>(0, std::int64_t(begins[first]) + shift);
      texts seen;
      const auto end = for_each_line(**file, static_cast<std::uint64_t>(begin),
                                     [&](std::string_view line) { seen.emplace_back(line); });
      REQUIRE(end.ok());
      REQUIRE(*end == bytes.size());
      const auto expected = std::ranges::count_if(
          begins, [&](std::uint64_t at_byte) { return std::int64_t(at_byte) >= begin; });
      REQUIRE(seen == texts(lines.end() - expected, lines.end()));
    }
  }
}

TEST_CASE("jsonl: the ids that are remembered are the last ones") {
  recent_ids ids(3);
  for (const char* id : {"a", "b", "a", "c", "d"}) ids.add(id);
  CHECK(ids.size() == 3);
  CHECK_FALSE(ids.contains("a"));
  for (const char* id : {"b", "c", "d"}) CHECK(ids.contains(id));
}

TEST_CASE("jsonl: settings make the file that they name") {
  const temp_dir dir;
  const auto info = jsonl_type();
  CHECK(info.in_order);
  CHECK(info.workers_default == 1);
  settings from{"events", "jsonl", {{"path", dir / "e.jsonl"}, {"line", "entry"}}};
  nexus::core::fill_fallbacks(info.schema, from.values);
  CHECK(nexus::core::check_settings(info.schema, from.values).empty());
  auto made = info.make(from);
  REQUIRE(made.ok());
  CHECK(deliver_ids(**made, {"1"}) == all_delivered(1));
  CHECK(lines_in(dir / "e.jsonl").at(0).find("\"idempotency_key\"") != std::string::npos);
}

TEST_CASE("jsonl: a path may begin with ~ and may be -, but must name a file") {
  const auto info = jsonl_type();
  const auto problems = [&](const std::string& path) {
    return nexus::core::check_settings(info.schema, {{"path", path}});
  };
  CHECK(problems("-").empty());
  CHECK(problems("~/events.jsonl").empty());
  for (const char* wrong : {"", "/var/log/", "~nobody/events.jsonl"}) {
    REQUIRE(problems(wrong).size() == 1);
    CHECK(problems(wrong)[0].name == "path");
    const auto made = info.make({"events", "jsonl", {{"path", wrong}}});
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == errc::bad_config);
    CHECK(made.reason().text.find("events") != std::string::npos);
  }
}
