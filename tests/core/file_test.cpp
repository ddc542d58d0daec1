#include "core/file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus::core;
using nexus::test::read_file;
using nexus::test::temp_dir;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat info;
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

result<void> write(file& to, std::uint64_t offset, std::string_view text) {
  return to.write_at(offset, std::span(&text, 1));
}

}  // namespace

TEST_CASE("a created file is for its owner only, and an existing one is not created again") {
  temp_dir dir;
  auto made = posix_files().create(dir / "a");
  REQUIRE(made.ok());
  CHECK(mode_of(dir / "a") == 0600);
  REQUIRE(write(**made, 0, "x").ok());
  CHECK_FALSE(posix_files().create(dir / "a").ok());
  CHECK(read_file(dir / "a") == "x");
}

TEST_CASE("a directory is made with its parents and set to 0700, whatever it was") {
  temp_dir dir;
  REQUIRE(posix_files().make_directory(dir / "a/b[*]?/c").ok());
  CHECK(mode_of(dir / "a") == 0700);
  CHECK(mode_of(dir / "a/b[*]?") == 0700);
  REQUIRE(::chmod((dir / "a/b[*]?/c").c_str(), 0755) == 0);
  REQUIRE(posix_files().make_directory(dir / "a/b[*]?/c/").ok());
  CHECK(mode_of(dir / "a/b[*]?/c") == 0700);
  nexus::test::write_file(dir / "file", "");
  CHECK_FALSE(posix_files().make_directory(dir / "file/x").ok());
}

TEST_CASE("many pieces are written one after the other, empty ones among them") {
  temp_dir dir;
  auto to = posix_files().create(dir / "a");
  REQUIRE(to.ok());
  std::vector<std::string> texts;
  std::string expected = "head";
  for (int i = 0; i < 1000; ++i) {
    texts.push_back(
        i % 7 == 0 ? ""
                   : std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
    expected += texts.back();
  }
  std::vector<std::string_view> pieces(texts.begin(), texts.end());
  REQUIRE(write(**to, 0, "head").ok());
  REQUIRE((*to)->write_at(4, pieces).ok());
  REQUIRE((*to)->sync().ok());
  CHECK(read_file(dir / "a") == expected);
  std::vector<std::string_view> nothing(100);
  CHECK((*to)->write_at(0, nothing).ok());
  CHECK((*to)->write_at(0, {}).ok());
  CHECK(read_file(dir / "a") == expected);
}

TEST_CASE("reading stops at the end of the file") {
  temp_dir dir;
  auto source = posix_files().create(dir / "a");
  REQUIRE(source.ok());
  REQUIRE(write(**source, 0, "hello").ok());
  std::string into(10, '-');
  CHECK(*(*source)->read_at(3, into) == 2);
  CHECK(into == "lo--------");
  CHECK(*(*source)->read_at(99, into) == 0);
  CHECK(*(*source)->size() == 5);
}

TEST_CASE("allocated space reads as zeros, keeps what was there, and goes with truncate") {
  temp_dir dir;
  auto to = posix_files().create(dir / "a");
  REQUIRE(to.ok());
  REQUIRE(write(**to, 0, "abc").ok());
  auto allocated = (*to)->allocate(4096);
  if (!allocated) {
    CHECK(allocated.reason().code == errc::unsupported);  // a file system without fallocate
    return;
  }
  CHECK(read_file(dir / "a") == "abc" + std::string(4093, '\0'));
  REQUIRE((*to)->allocate(1000).ok());
  CHECK(*(*to)->size() == 4096);
  REQUIRE((*to)->truncate(2).ok());
  CHECK(read_file(dir / "a") == "ab");
}

TEST_CASE("what does not exist is not_found, and the text names it") {
  temp_dir dir;
  auto missing = dir / "missing";
  for (auto code : {posix_files().open_read(missing).reason().code,
                    posix_files().open_write(missing).reason().code,
                    posix_files().remove(missing).reason().code,
                    posix_files().rename(missing, dir / "b").reason().code,
                    posix_files().list(missing).reason().code,
                    posix_files().sync_directory(missing).reason().code})
    CHECK(code == errc::not_found);
  CHECK(posix_files().open_read(missing).reason().text.find(missing) != std::string::npos);
}

TEST_CASE("renaming replaces, removing removes, listing tells") {
  temp_dir dir;
  nexus::test::write_file(dir / "a", "1");
  nexus::test::write_file(dir / "b", "2");
  REQUIRE(posix_files().rename(dir / "a", dir / "b").ok());
  CHECK(read_file(dir / "b") == "1");
  CHECK(*posix_files().list(dir.path()) == std::vector<std::string>{"b"});
  REQUIRE(posix_files().remove(dir / "b").ok());
  CHECK(posix_files().list(dir.path())->empty());
  CHECK(posix_files().sync_directory(dir.path()).ok());
}

TEST_CASE("a lock names the process that holds it, and ends with its object") {
  temp_dir dir;
  nexus::test::write_file(dir / "lock", "some longer text of an earlier holder\n");
  auto held = posix_files().lock(dir / "lock");
  REQUIRE(held.ok());
  auto pid = std::to_string(::getpid());
  CHECK(read_file(dir / "lock") == pid + "\n");
  auto second = posix_files().lock(dir / "lock");
  REQUIRE_FALSE(second.ok());
  CHECK(second.reason().code == errc::locked);
  CHECK(second.reason().text.find("process " + pid + ":") != std::string::npos);
  held = error{errc::closed, ""};  // destroys the lock
  CHECK(posix_files().lock(dir / "lock").ok());
}

TEST_CASE("free space is told for a directory that exists") {
  temp_dir dir;
  CHECK(*posix_files().free_bytes(dir.path()) > 0);
  CHECK_FALSE(posix_files().free_bytes(dir / "missing").ok());
}
