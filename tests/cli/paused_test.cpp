#include "cli/paused.hpp"

#include <filesystem>
#include <string>

#include <sys/stat.h>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus;
using cli::name_set;
using cli::read_paused;
using cli::write_paused;

TEST_CASE("Which destinations are paused is kept in a file, one name a line") {
  const test::temp_dir home;
  auto& files = core::posix_files();
  CHECK(read_paused(files, home.path())->empty());
  REQUIRE(write_paused(files, home.path(), "b", true).ok());
  REQUIRE(write_paused(files, home.path(), "a b/c", true).ok());
  REQUIRE(write_paused(files, home.path(), "b", true).ok());
  CHECK(test::read_file(home / "paused") == "a b/c\nb\n");
  CHECK(*read_paused(files, home.path()) == name_set{"a b/c", "b"});
  REQUIRE(write_paused(files, home.path(), "b", false).ok());
  REQUIRE(write_paused(files, home.path(), "nobody", false).ok());
  CHECK(*read_paused(files, home.path()) == name_set{"a b/c"});
  CHECK_FALSE(std::filesystem::exists(home / "paused.new"));
}

TEST_CASE("A file that was edited by hand, and one that a crash has left over, do no harm") {
  const test::temp_dir home;
  auto& files = core::posix_files();
  test::write_file(home / "paused", "one\n\ntwo");
  test::write_file(home / "paused.new", "half of a na");
  CHECK(*read_paused(files, home.path()) == name_set{"one", "two"});
  REQUIRE(write_paused(files, home.path(), "three", true).ok());
  CHECK(*read_paused(files, home.path()) == name_set{"one", "three", "two"});
}

TEST_CASE("What cannot be kept is refused") {
  const test::temp_dir home;
  auto& files = core::posix_files();
  const auto broken = write_paused(files, home.path(), "a\nb", true);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.reason().code == core::errc::invalid_argument);
  std::filesystem::create_directory(home / "paused");
  CHECK_FALSE(read_paused(files, home.path()).ok());
  CHECK_FALSE(write_paused(files, home.path(), "a", true).ok());
  CHECK_FALSE(write_paused(files, home / "nowhere", "a", true).ok());
}
