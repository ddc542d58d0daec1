// The copies of damaged lines: what is in them, that there is one of each, and what a crash or a
// full disk leaves.
#include "wal/quarantine.hpp"

#include <sodium.h>
#include <zlib.h>

#include <cerrno>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/failing_files.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string segment = "wal-1.jsonl";

struct bench {
  bench() {
    std::filesystem::create_directories(dir / "wal");
    files = std::make_unique<failing_files>(dir / "wal");
    how.directory = dir / "wal";
    how.files = files.get();
    how.clock = [] { return *core::parse_timestamp("2026-01-02T03:04:05.06Z"); };
  }
  std::string path(const std::string& of = segment) const { return dir / ("wal/quarantine/" + of); }
  /// Writes a segment of these lines.
  std::unique_ptr<core::file> make(const std::vector<std::string>& lines) {
    std::string bytes;
    for (const auto& line : lines) bytes += line + "\n";
    write_file(dir / ("wal/" + segment), bytes);
    return *files->open_read(dir / ("wal/" + segment));
  }
  temp_dir dir;
  std::unique_ptr<failing_files> files;
  wal::options how;
};

/// The line `number` of a file that make() has written.
wal::raw_line line_at(const std::vector<std::string>& lines, std::size_t number) {
  wal::raw_line line;
  for (std::size_t i = 1; i < number; ++i) line.offset += lines[i - 1].size() + 1;
  line.text = lines[number - 1];
  line.bytes = line.text.size();
  line.number = number;
  return line;
}

struct copy {
  std::string segment, crc32, reason, found_at, data;
  std::uint64_t line = 0, offset = 0, bytes = 0;
};

std::vector<copy> copies_in(const std::string& path) {
  std::vector<copy> all;
  auto bytes = read_file(path);
  CHECK((bytes.empty() || bytes.back() == '\n'));
  for (std::size_t at = 0; at < bytes.size();) {
    auto end = bytes.find('\n', at);
    copy one;
    std::vector<std::string> keys;
    auto read = core::json::for_each_member(
        std::string_view(bytes).substr(at, end - at),
        [&](const core::json::member& m) -> core::result<void> {
          keys.push_back(core::json::unquote(m.key));
          auto key = keys.back();
          if (m.value[0] != '"') {
            auto number = std::stoull(std::string(m.value));
            (key == "line" ? one.line : key == "offset" ? one.offset : one.bytes) = number;
            return {};
          }
          auto text = core::json::unquote(m.value);
          if (key == "segment") one.segment = text;
          if (key == "crc32") one.crc32 = text;
          if (key == "reason") one.reason = text;
          if (key == "found_at") one.found_at = text;
          if (key != "data") return {};
          one.data.resize(text.size());
          std::size_t size = 0;
          CHECK(sodium_base642bin(reinterpret_cast<unsigned char*>(one.data.data()),
                                  one.data.size(), text.data(), text.size(), nullptr, &size,
                                  nullptr, sodium_base64_VARIANT_ORIGINAL) == 0);
          one.data.resize(size);
          return {};
        });
    CHECK(read.ok());
    CHECK(keys == std::vector<std::string>{"segment", "line", "offset", "bytes", "crc32", "reason",
                                           "found_at", "data"});
    all.push_back(one);
    at = end + 1;
  }
  return all;
}

}  // namespace

TEST_CASE("a copy tells where the damage stands, why, when, and what the bytes are") {
  bench at;
  const std::vector<std::string> lines = {"first", std::string("\0\xff\"x\\", 5), "third"};
  auto source = at.make(lines);
  wal::quarantine kept(at.how);
  CHECK_FALSE(std::filesystem::exists(at.dir / "wal/quarantine"));
  REQUIRE(kept.add(*source, segment, line_at(lines, 2), "CRC \"does not\" fit").ok());
  REQUIRE(kept.add(*source, segment, line_at(lines, 3), "torn line").ok());
  REQUIRE(kept.sync().ok());
  CHECK(kept.added() == 2);
  CHECK(read_file(at.path()).substr(0, 163) ==
        R"({"segment":"wal-1.jsonl","line":2,"offset":6,"bytes":5,"crc32":"a6d58d43",)"
        R"("reason":"CRC \"does not\" fit","found_at":"2026-01-02T03:04:05.06Z","data":"AP8ieFw="})"
        "\n{");
  auto copies = copies_in(at.path());
  REQUIRE(copies.size() == 2);
  CHECK(copies[0].data == lines[1]);
  CHECK(copies[0].reason == "CRC \"does not\" fit");
  CHECK(copies[1].data == "third");
  CHECK(copies[1].offset == 12);
  CHECK(copies[1].line == 3);
  using std::filesystem::perms;
  CHECK(std::filesystem::status(at.path()).permissions() ==
        (perms::owner_read | perms::owner_write));
  CHECK(std::filesystem::status(at.dir / "wal/quarantine").permissions() == perms::owner_all);
}

TEST_CASE("a line of which only the place is known is read from its segment") {
  bench at;
  const std::vector<std::string> lines = {"first", "second"};
  auto source = at.make(lines);
  auto line = line_at(lines, 2);
  line.text = {};
  wal::quarantine kept(at.how);
  REQUIRE(kept.add(*source, segment, line, "torn line").ok());
  REQUIRE(kept.add(*source, segment, line_at(lines, 2), "torn line").ok());
  REQUIRE(kept.sync().ok());
  CHECK(kept.added() == 1);
  auto copies = copies_in(at.path());
  REQUIRE(copies.size() == 1);
  CHECK(copies[0].data == "second");
}

TEST_CASE("a line is copied once, in one opening and over many, wherever it has moved to") {
  bench at;
  const std::vector<std::string> lines = {"aaa", "bbb", "aaa"};
  auto source = at.make(lines);
  for (int opening = 0; opening < 4; ++opening) {
    wal::quarantine kept(at.how);
    for (std::size_t number = 1; number <= 3; ++number)
      REQUIRE(kept.add(*source, segment, line_at(lines, number), "torn line").ok());
    REQUIRE(kept.sync().ok());
    CHECK(kept.added() == (opening == 0 ? 2 : 0));
  }
  CHECK(copies_in(at.path()).size() == 2);
}

TEST_CASE("each segment has a file of its own, and each is durable") {
  bench at;
  const std::vector<std::string> lines = {"aaa", "bbb"};
  auto source = at.make(lines);
  wal::quarantine kept(at.how);
  for (std::string in : {"wal-1.jsonl", "wal-2.jsonl", "wal-1.jsonl"})
    for (std::size_t number : {1u, 2u})
      REQUIRE(kept.add(*source, in, line_at(lines, number), "torn line").ok());
  REQUIRE(kept.sync().ok());
  at.files->crash(survival::nothing);
  for (std::string in : {"wal-1.jsonl", "wal-2.jsonl"}) {
    auto copies = copies_in(at.path(in));
    REQUIRE(copies.size() == 2);
    CHECK(copies[0].segment == in);
    CHECK(copies[1].data == "bbb");
  }
}

TEST_CASE("a line longer than a reader holds is copied in pieces, byte for byte") {
  bench at;
  for (std::size_t bytes : {(std::size_t{768} << 10) - 1, std::size_t{768} << 10,
                            (std::size_t{768} << 10) + 1, (std::size_t{3} << 20) + 5}) {
    std::string text(bytes, 'x');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i % 251 + (i >> 16)) | 1;
    const std::vector<std::string> lines = {"short", text};
    auto source = at.make(lines);
    auto line = line_at(lines, 2);
    auto whole = line;
    line.too_long = true;
    line.text = line.text.substr(0, 100);
    {
      wal::quarantine kept(at.how);
      REQUIRE(kept.add(*source, segment, line, "CRC does not fit").ok());
      REQUIRE(kept.sync().ok());
    }
    // It is known again, also to a reader that holds all of it.
    wal::quarantine kept(at.how);
    REQUIRE(kept.add(*source, segment, whole, "CRC does not fit").ok());
    REQUIRE(kept.add(*source, segment, line, "CRC does not fit").ok());
    CHECK(kept.added() == 0);
    auto copies = copies_in(at.path());
    REQUIRE_FALSE(copies.empty());
    CHECK(copies.back().bytes == bytes);
    CHECK((copies.back().data == text));
  }
}

TEST_CASE("a copy that was cut off by a crash is taken back and made again, wherever the cut is") {
  const std::vector<std::string> lines = {"first damaged", "second damaged"};
  std::string whole;
  {
    bench at;
    auto source = at.make(lines);
    wal::quarantine kept(at.how);
    for (std::size_t number : {1u, 2u})
      REQUIRE(kept.add(*source, segment, line_at(lines, number), "torn line").ok());
    REQUIRE(kept.sync().ok());
    whole = read_file(at.path());
  }
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    bench at;
    auto source = at.make(lines);
    write_file(at.path(), whole.substr(0, cut));
    wal::quarantine kept(at.how);
    for (std::size_t number : {1u, 2u})
      REQUIRE(kept.add(*source, segment, line_at(lines, number), "torn line").ok());
    REQUIRE(kept.sync().ok());
    INFO("cut at " << cut);
    CHECK((read_file(at.path()) == whole));
  }
}

TEST_CASE("what stands in the quarantine and is none of our lines is kept and not believed") {
  bench at;
  const std::vector<std::string> lines = {"first damaged"};
  auto source = at.make(lines);
  std::string strange =
      "a note\n\n{\"bytes\":13,\"crc32\":\"ba34402b\",\"data\":\"Zmlyc3Q\n"
      "{\"bytes\":13,\"crc32\":\"zz\",\"data\":\"\"}\n{\"bytes\":13\n";
  write_file(at.path(), strange);
  wal::quarantine kept(at.how);
  REQUIRE(kept.add(*source, segment, line_at(lines, 1), "torn line").ok());
  REQUIRE(kept.sync().ok());
  CHECK(kept.added() == 1);
  CHECK(read_file(at.path()).substr(0, strange.size()) == strange);
}

TEST_CASE("a failure at any operation leaves whole copies only, and the same object goes on") {
  const std::vector<std::string> lines = {"first damaged", "second damaged"};
  auto add_all = [&](wal::quarantine& kept, const core::file& source) -> core::result<void> {
    for (std::size_t number : {1u, 2u})
      if (auto added = kept.add(source, segment, line_at(lines, number), "torn line"); !added)
        return added;
    return kept.sync();
  };
  std::uint64_t fired = 0;
  for (auto kind : {operation::create, operation::write, operation::sync, operation::open_write,
                    operation::sync_directory, operation::make_directory, operation::read})
    for (std::uint64_t n = 1;; ++n) {
      bench at;
      auto source = at.make(lines);
      wal::quarantine kept(at.how);
      at.files->fail({kind, n, false, EIO, 20});
      auto done = add_all(kept, *source);
      if (at.files->faults_fired() == 0) {
        CHECK(done.ok());
        break;
      }
      ++fired;
      INFO("operation " << static_cast<int>(kind) << ", " << n);
      CHECK_FALSE(done.ok());
      at.files->heal();
      REQUIRE(add_all(kept, *source).ok());
      CHECK(at.files->uses_after_failed_sync() == 0);
      at.files->crash(survival::nothing);
      CHECK(copies_in(at.path()).size() == 2);
    }
  CHECK(fired >= 9);
}

TEST_CASE("a full disk is wal_full, and the copy is made when there is room") {
  bench at;
  const std::vector<std::string> lines = {std::string(3000, 'x'), "second"};
  auto source = at.make(lines);
  at.files->set_capacity(2000);
  wal::quarantine kept(at.how);
  CHECK(kept.add(*source, segment, line_at(lines, 1), "torn line").reason().code ==
        core::errc::wal_full);
  REQUIRE(kept.add(*source, segment, line_at(lines, 2), "torn line").ok());
  at.files->set_capacity({});
  REQUIRE(kept.add(*source, segment, line_at(lines, 1), "torn line").ok());
  REQUIRE(kept.sync().ok());
  auto copies = copies_in(at.path());
  REQUIRE(copies.size() == 2);
  CHECK(copies[0].data == "second");
}

TEST_CASE("a power cut before the sync costs at most the copies, which are made again") {
  const std::vector<std::string> lines = {"first damaged", "second damaged"};
  for (auto left : {survival::nothing, survival::everything, survival::torn})
    for (std::uint64_t n = 1; n < 10; ++n) {
      bench at;
      at.make(lines);
      at.files = std::make_unique<failing_files>(at.dir / "wal");  // the segment is durable
      at.how.files = at.files.get();
      {
        auto source = *at.files->open_read(at.dir / ("wal/" + segment));
        wal::quarantine kept(at.how);
        at.files->cut_power_at(n);
        for (std::size_t number : {1u, 2u})
          if (auto added = kept.add(*source, segment, line_at(lines, number), "torn"); !added)
            break;
        (void)kept.sync().ok();
      }
      at.files->crash(left);
      auto source = *at.files->open_read(at.dir / ("wal/" + segment));
      wal::quarantine kept(at.how);
      for (std::size_t number : {1u, 2u})
        REQUIRE(kept.add(*source, segment, line_at(lines, number), "torn").ok());
      REQUIRE(kept.sync().ok());
      at.files->crash(survival::nothing);
      CHECK(copies_in(at.path()).size() == 2);
    }
}

TEST_CASE("copies that a killed process has not synced are synced by the next opening") {
  bench at;
  const std::vector<std::string> lines = {"first damaged"};
  auto source = at.make(lines);
  {
    wal::quarantine kept(at.how);
    REQUIRE(kept.add(*source, segment, line_at(lines, 1), "torn line").ok());
  }
  wal::quarantine kept(at.how);
  REQUIRE(kept.add(*source, segment, line_at(lines, 1), "torn line").ok());
  CHECK(kept.added() == 0);
  REQUIRE(kept.sync().ok());
  at.files->crash(survival::nothing);
  CHECK(copies_in(at.path()).size() == 1);
}

TEST_CASE("a piece of a copy is cut off also where nothing follows it") {
  bench at;
  const std::vector<std::string> lines = {"first damaged"};
  auto source = at.make(lines);
  auto add = [&] {
    wal::quarantine kept(at.how);
    REQUIRE(kept.add(*source, segment, line_at(lines, 1), "torn line").ok());
    REQUIRE(kept.sync().ok());
  };
  add();
  auto whole = read_file(at.path());
  write_file(at.path(), whole + std::string(5000, 'x'));
  add();
  CHECK(read_file(at.path()) == whole);
}

TEST_CASE("a long line that is not there any more is an error, and leaves no copy") {
  bench at;
  const std::vector<std::string> lines = {"first damaged"};
  auto source = at.make(lines);
  auto line = line_at(lines, 1);
  line.too_long = true;
  line.bytes = std::uint64_t{1} << 20;
  wal::quarantine kept(at.how);
  CHECK(kept.add(*source, segment, line, "torn line").reason().code == core::errc::corrupt);
  REQUIRE(kept.sync().ok());
  CHECK(read_file(at.path()).empty());
}
