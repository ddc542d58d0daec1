#include "destinations/registry.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace nexus::destinations;
using nexus::core::errc;

namespace {

/// Implements only what every destination must.
class silent final : public destination {
 public:
  std::vector<outcome> deliver(std::span<const nexus::core::entry_ptr> batch) override {
    return std::vector<outcome>(batch.size());
  }
  nexus::core::result<void> ping() override { return {}; }
};

type_info silent_type() {
  type_info info;
  info.make = [](const settings&) -> nexus::core::result<std::unique_ptr<destination>> {
    return std::unique_ptr<destination>(std::make_unique<silent>());
  };
  return info;
}

}  // namespace

TEST_CASE("a type of one's own is found by its name, and its factory is used") {
  registry types;
  CHECK(types.find("silent") == nullptr);
  REQUIRE(types.add("silent", silent_type()));
  REQUIRE(types.find("silent") != nullptr);
  auto made = types.find("silent")->make({"d", "silent", {}});
  REQUIRE(made.ok());
  CHECK((*made)->ping().ok());
}

TEST_CASE("a name that is taken stays with its first type") {
  registry types;
  type_info first = silent_type();
  first.workers_default = 7;
  REQUIRE(types.add("silent", first));
  CHECK_FALSE(types.add("silent", silent_type()));
  CHECK(types.find("silent")->workers_default == 7);
}

TEST_CASE("the built-in types can be added to and are listed in order") {
  registry types = builtin_types();
  REQUIRE(types.add("silent", silent_type()));
  CHECK(types.types() == std::vector<std::string>{"http", "jetstream", "jsonl", "openbrain",
                                                  "plugin", "postgres", "silent", "sqlite",
                                                  "supabase"});
  CHECK_FALSE(types.add("sqlite", silent_type()));
}

TEST_CASE("a destination that cannot say what it holds answers unsupported") {
  silent one;
  const std::vector<std::string> ids{"a"};
  auto found = one.exists(ids);
  REQUIRE_FALSE(found.ok());
  CHECK(found.reason().code == errc::unsupported);
}

TEST_CASE("sqlite without a db_path is refused, naming the destination") {
  const registry types = builtin_types();
  const type_info& sqlite = *types.find("sqlite");
  for (const settings& wrong :
       {settings{"memories", "sqlite", {}}, settings{"memories", "sqlite", {{"db_path", ""}}}}) {
    auto made = sqlite.make(wrong);
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == errc::bad_config);
    CHECK(made.reason().text.find("memories") != std::string::npos);
    CHECK_FALSE(sqlite.make_reader(wrong).ok());
  }
}

TEST_CASE("sqlite is made where its path cannot be opened now, and reads nothing there") {
  const nexus::test::temp_dir dir;
  nexus::test::write_file(dir / "file", "not a directory");
  const registry types = builtin_types();
  const settings where{"d", "sqlite", {{"db_path", dir / "file/memories.db"}}};
  auto made = types.find("sqlite")->make(where);
  REQUIRE(made.ok());
  CHECK_FALSE((*made)->ping().ok());
  auto reads = types.find("sqlite")->make_reader(where);
  REQUIRE(reads.ok());
  auto rows = (*reads)->count();
  REQUIRE(rows.ok());
  CHECK(*rows == 0);
}

TEST_CASE("sqlite declares its key as a path that begins in the home") {
  const registry types = builtin_types();
  const type_info& sqlite = *types.find("sqlite");
  REQUIRE(sqlite.schema.keys.size() == 1);
  CHECK(sqlite.schema.keys[0].name == "db_path");
  CHECK(sqlite.schema.keys[0].kind == nexus::core::setting_kind::path);
  CHECK(sqlite.workers_default == 1);
}

TEST_CASE("each kind of outcome has its name") {
  CHECK(std::string(to_string(outcome_kind::delivered)) == "delivered");
  CHECK(std::string(to_string(outcome_kind::transient)) == "transient");
  CHECK(std::string(to_string(outcome_kind::unreachable)) == "unreachable");
  CHECK(std::string(to_string(outcome_kind::config_fault)) == "config_fault");
  CHECK(std::string(to_string(outcome_kind::permanent)) == "permanent");
}
