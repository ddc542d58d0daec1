// Looking at a database without changing it: ping and exists.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "destinations/sqlite.hpp"
#include "tests/destinations/sqlite_support.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus::destinations;
using namespace nexus::test;

namespace {

const std::vector<outcome_kind> one_delivered{outcome_kind::delivered};

std::vector<outcome_kind> deliver(destination& to,
                                  const std::vector<nexus::core::entry_ptr>& batch) {
  std::vector<outcome_kind> all;
  for (const auto& each : to.deliver(batch)) all.push_back(each.kind);
  return all;
}

}  // namespace

TEST_CASE("asking whether a destination can be used creates and changes nothing") {
  const temp_dir dir;
  const std::string path = dir / "a/b?#%41/memories.db";
  CHECK(make_sqlite({path})->ping().ok());
  CHECK(std::filesystem::is_empty(dir.path()));
  const std::vector<std::string> ids{"p1"};
  CHECK(*make_sqlite({path})->exists(ids) == std::vector<bool>{false});
  CHECK(std::filesystem::is_empty(dir.path()));

  REQUIRE(deliver(*make_sqlite({path}), {entry_named("p1")}) == one_delivered);
  const std::string before = nexus::test::read_file(path);
  const auto files = [&] {
    return std::distance(std::filesystem::directory_iterator(dir / "a/b?#%41"), {});
  };
  REQUIRE(files() == 1);  // the last connection has cleared its side files away
  CHECK(make_sqlite({path})->ping().ok());
  CHECK(*make_sqlite({path})->exists(ids) == std::vector<bool>{true});
  CHECK(files() == 1);
  CHECK(nexus::test::read_file(path) == before);
}

TEST_CASE("a database of an early version can be used, and is not changed by asking") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  raw_database(path).rows(early_table(""));
  CHECK(make_sqlite({path})->ping().ok());
  CHECK(raw_database(path).value("SELECT COUNT(*) FROM pragma_table_info('memories')") == "18");
}

TEST_CASE("what would keep a destination from being used is named without trying it") {
  const temp_dir dir;
  const auto refusal = [](const std::string& path) {
    const auto answer = make_sqlite({path})->ping();
    REQUIRE_FALSE(answer.ok());
    CHECK(answer.reason().code == nexus::core::errc::bad_config);
    CHECK(answer.reason().text.find(path) != std::string::npos);
    return answer.reason().text;
  };
  nexus::test::write_file(dir / "file", std::string(8192, 'x'));
  refusal(dir / "file");
  refusal(dir / "file/below/memories.db");
  refusal(dir.path());
  raw_database(dir / "other.db").rows("CREATE TABLE memories (payload_id TEXT, content TEXT)");
  CHECK(refusal(dir / "other.db").find("lacks request_id, source,") != std::string::npos);
  // All columns, but nothing that tells one payload id from its repetition.
  auto no_key = early_table(
      ", embedding BLOB, sensitivity_labels TEXT DEFAULT '', classification_tier TEXT DEFAULT ''");
  no_key.replace(no_key.find(" PRIMARY KEY"), 12, "");
  raw_database(dir / "no_key.db").rows(no_key);
  refusal(dir / "no_key.db");
  CHECK(nexus::test::read_file(dir / "file") == std::string(8192, 'x'));
}

TEST_CASE("a database that others write to at the moment is looked at with their latest rows") {
  const temp_dir dir;
  const std::string path = dir / "memories.db";
  auto writer = make_sqlite({path});
  REQUIRE(deliver(*writer, {entry_named("p1")}) == one_delivered);
  const std::vector<std::string> ids{"p1", "p2"};
  auto other = make_sqlite({path});
  CHECK(other->ping().ok());
  CHECK(*other->exists(ids) == std::vector<bool>{true, false});
}

TEST_CASE("what may not be written to is refused, unless one may write everywhere") {
  if (::geteuid() == 0) return;
  const temp_dir dir;
  std::filesystem::create_directory(dir / "closed");
  REQUIRE(::chmod((dir / "closed").c_str(), 0500) == 0);
  CHECK_FALSE(make_sqlite({dir / "closed/memories.db"})->ping().ok());
  REQUIRE(::chmod((dir / "closed").c_str(), 0700) == 0);
  const std::string path = dir / "memories.db";
  raw_database(path).rows(early_table(""));
  REQUIRE(::chmod(path.c_str(), 0400) == 0);
  CHECK_FALSE(make_sqlite({path})->ping().ok());
}
