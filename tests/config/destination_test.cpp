// What a destination's type asks of its table, and how far a mistake in it reaches.
#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;

namespace {

/// A type that uses all there is.
core::setting_schema queue_schema() {
  using enum core::setting_kind;
  core::setting_schema schema;
  schema.keys = {{.name = "server", .required = true},
                 {.name = "mode", .fallback = "fast", .choices = {"fast", "slow"}},
                 {.name = "depth", .kind = integer, .fallback = "7", .least = -1, .most = 9},
                 {.name = "many", .kind = integer, .least = 2},
                 {.name = "tls", .kind = boolean},
                 {.name = "spool", .kind = path, .fallback = "spool/x"},
                 {.name = "password", .kind = secret},
                 {.name = "labels", .kind = table},
                 {.name = "headers", .kind = secret_table}};
  return schema;
}

struct queue_home : home {
  queue_home() { types["queue"] = queue_schema(); }

  /// The lines begin in line 5.
  void queue(const std::string& lines) {
    destination("[destination]\nname = \"d\"\ntype = \"queue\"\nserver = \"s\"\n" + lines);
  }
  texts said_of(const std::string& lines) {
    queue(lines);
    return said();
  }
};

std::string a_destination(const std::string& name, const std::string& more = "") {
  return "[destination]\nname = \"" + name + "\"\ntype = \"web\"\n" + more;
}

}  // namespace

TEST_CASE("keys of a type come as it declares them, fallbacks filled in") {
  queue_home files;
  files.queue("");
  CHECK(files.settings().destinations.at(0).values ==
        core::setting_values{
            {"server", "s"}, {"mode", "fast"}, {"depth", "7"}, {"spool", files / "spool/x"}});
  const test::variable set("NEXUS_TEST_KEY", "sesame");
  files.write("key", " from a file\n");
  files.queue(
      "mode = \"slow\"\ndepth = -1\nmany = 2\ntls = false\nspool = \"/y/\"\n"
      "password = \"env:NEXUS_TEST_KEY\"\n[destination.labels]\na = \"env:X\"\nb = \"\"\n"
      "[destination.headers]\nX-A = \"env:NEXUS_TEST_KEY\"\n\"X.B\" = \"file:" +
      files / "key" + "\"\n");
  CHECK(files.settings().destinations.at(0).values ==
        core::setting_values{{"server", "s"},
                             {"mode", "slow"},
                             {"depth", "-1"},
                             {"many", "2"},
                             {"tls", "false"},
                             {"spool", "/y"},
                             {"password", "sesame"},
                             {"labels.a", "env:X"},
                             {"labels.b", ""},
                             {"headers.X-A", "sesame"},
                             {"headers.X.B", "from a file"}});
}

TEST_CASE("a required key that is missing or empty is an error that names it and the type") {
  queue_home files;
  files.destination("[destination]\nname = \"d\"\ntype = \"queue\"\n");
  CHECK(files.said() ==
        texts{"destinations/d.toml:1:2: error: SCHEMA_ERROR: destination.server is missing: a "
              "destination of type \"queue\" needs it [missing_key]"});
  files.destination("[destination]\nname = \"d\"\ntype = \"queue\"\nserver = \"\"\n");
  CHECK(files.said() ==
        texts{"destinations/d.toml:4:1: error: SCHEMA_ERROR: destination.server is empty: a "
              "destination of type \"queue\" needs it [missing_key]"});
  files.destination("[destination]\nname = \"d\"\ntype = \"queue\"\nserver = 1\n");
  CHECK(test::codes(files.examine().findings) == texts{"wrong_type"});
}

TEST_CASE("values that a type does not allow are errors with their place") {
  queue_home files;
  CHECK(
      files.said_of("mode = \"medium\"\n") ==
      texts{"destinations/d.toml:5:1: error: SCHEMA_ERROR: destination.mode is \"medium\"; it can "
            "be fast, slow [unknown_value]"});
  CHECK(files.said_of("depth = 10\nmany = 1\n") ==
        texts{"destinations/d.toml:5:1: error: SCHEMA_ERROR: destination.depth is 10; it can be -1 "
              "to 9 [out_of_range]",
              "destinations/d.toml:6:1: error: SCHEMA_ERROR: destination.many is 1; the least is 2 "
              "[out_of_range]"});
  CHECK(files.said_of("labels = \"a\"\n") ==
        texts{"destinations/d.toml:5:10: error: destination.labels must be a table, but this is a "
              "string [wrong_type]"});
  CHECK(files.said_of("labels = { a = 1 }\n") ==
        texts{"destinations/d.toml:5:16: error: destination.labels.a must be a string, but this is "
              "an integer [wrong_type]"});
  CHECK(files.said_of("mode = 1\ntls = 1\ndepth = 1.5\nspool = true\npassword = 5\n").size() == 5);
}

TEST_CASE("a secret that leads to nothing is an error, also in a table") {
  const test::variable unset("NEXUS_TEST_KEY", nullptr);
  queue_home files;
  CHECK(
      files.said_of("password = \"env:NEXUS_TEST_KEY\"\nheaders.\"X.A\" = \"env:NEXUS_TEST_KEY\"\n"
                    "headers.B = \"file:/nowhere/at/all\"\n") ==
      texts{"destinations/d.toml:5:1: error: SCHEMA_ERROR: destination.password refers to the "
            "environment variable NEXUS_TEST_KEY, which is not set or empty [empty_key]",
            "destinations/d.toml:6:9: error: SCHEMA_ERROR: destination.headers.X.A refers to the "
            "environment variable NEXUS_TEST_KEY, which is not set or empty [empty_key]",
            "destinations/d.toml:7:9: error: SCHEMA_ERROR: destination.headers.B: cannot read "
            "/nowhere/at/all: No such file or directory [unresolved_reference]"});
}

TEST_CASE("what a type's own check finds stands at the key's place, or at its table's") {
  queue_home files;
  core::setting_values seen;
  files.types["queue"].check = [&seen](const core::setting_values& values) {
    seen = values;
    return std::vector<core::setting_problem>{{"headers.B", "no good"},
                                              {"headers.C", "is needed"},
                                              {"mode", "not with tls"},
                                              {"", "all wrong"}};
  };
  CHECK(files.said_of("tls = true\n[destination.headers]\nB = \"s3cret\"\n") ==
        texts{"destinations/d.toml:7:1: error: SCHEMA_ERROR: destination.headers.B: no good "
              "[invalid_setting]",
              "destinations/d.toml:6:14: error: SCHEMA_ERROR: destination.headers.C: is needed "
              "[invalid_setting]",
              "destinations/d.toml:1:2: error: SCHEMA_ERROR: destination.mode: not with tls "
              "[invalid_setting]",
              "destinations/d.toml:1:2: error: SCHEMA_ERROR: destination: all wrong "
              "[invalid_setting]"});
  CHECK(seen.at("tls") == "true");
  CHECK(seen.at("headers.B") == "s3cret");
}

TEST_CASE("a type's own check is asked only where every key is right, and may throw") {
  queue_home files;
  int asked = 0;
  files.types["queue"].check =
      [&asked](const core::setting_values&) -> std::vector<core::setting_problem> {
    ++asked;
    throw std::runtime_error("s3cret");
  };
  CHECK(files.said_of("depth = 10\n").size() == 1);
  CHECK(files.said_of("depth = \"1\"\n").size() == 1);
  CHECK(asked == 0);
  const texts said = files.said_of("");
  CHECK(asked == 1);
  REQUIRE(said.size() == 1);
  CHECK(said[0].ends_with("[invalid_setting]"));
  CHECK(said[0].find("s3cret") == std::string::npos);
}

TEST_CASE("what is wrong with one destination is its fault, and does not stop the others") {
  home files;
  files.source("target_destination = \"b\"\n");
  files.write("destinations/a.toml", a_destination("a"));
  files.write("destinations/b.toml", a_destination("b", "tokn = \"x\"\nworkers = 257\n"));
  files.write("destinations/c.toml", a_destination("c"));
  const auto loaded = config::load(files.path(), files.types);
  REQUIRE(loaded.ok());
  CHECK(test::codes(loaded->findings) == texts{"unknown_key", "out_of_range"});
  CHECK(loaded->findings[0].level == config::severity::error);
  const auto& all = loaded->settings.destinations;
  REQUIRE(all.size() == 3);
  CHECK(all[0].fault.empty());
  CHECK(all[1].fault == to_string(loaded->findings[0]) + "\n" + to_string(loaded->findings[1]));
  CHECK(all[2].fault.empty());
  CHECK(loaded->settings.sources.at(0).target_destinations == texts{"b"});
  CHECK(has_errors(files.lint()));
}

TEST_CASE("a destination that is required keeps its fault from passing") {
  home files;
  files.write("destinations/a.toml", a_destination("a", "required = true\n"));
  files.write("destinations/b.toml", a_destination("b", "tokn = 1\n"));
  CHECK(files.examine().settings);
  files.write("destinations/b.toml", a_destination("b", "tokn = 1\nrequired = true\n"));
  CHECK_FALSE(files.examine().settings);
  CHECK_FALSE(config::load(files.path(), files.types).ok());
}

TEST_CASE("every kind of mistake in a destination is a fault") {
  home files;
  for (const std::string text :
       {"[destination", "[destination]\ntype = \"web\"\n", "[destination]\nname = \"d\"\n",
        "[destination]\nname = 1\ntype = \"web\"\n",
        "[destination]\nname = \"d\"\ntype = \"?\"\n"}) {
    INFO(text);
    files.source("target_destination = \"d\"\n");
    files.destination(text);
    const auto found = files.examine();
    REQUIRE(found.settings);
    REQUIRE(found.findings.size() == 1);
    REQUIRE(found.settings->destinations.size() == 1);
    CHECK(found.settings->destinations[0].name == "d");
    CHECK(found.settings->destinations[0].fault == to_string(found.findings[0]));
  }
}

TEST_CASE("a file without a name of its own does not take that of another destination") {
  home files;
  files.write("destinations/a.toml", "[destination");
  files.write("destinations/b.toml", a_destination("a"));
  const auto found = files.examine();
  REQUIRE(found.settings);
  CHECK(test::codes(found.findings) == texts{"syntax"});
  REQUIRE(found.settings->destinations.size() == 1);
  CHECK(found.settings->destinations[0].fault.empty());
}

TEST_CASE("the first destination is the default also while it has a fault") {
  home files;
  files.source("");
  files.write("destinations/a.toml", "[destination");
  files.write("destinations/b.toml", a_destination("b"));
  CHECK(files.examine().settings.value().sources.at(0).target_destinations == texts{"a"});
}

TEST_CASE("a name that may be in a file that cannot be read is a destination with a fault") {
  home files;
  files.source("target_destinations = [\"b\", \"x\"]\npolicy.allowed_destinations = [\"y\"]\n");
  files.write("destinations/a.toml", "[destination");
  files.write("destinations/b.toml", a_destination("b"));
  const auto found = files.examine();
  REQUIRE(found.settings);
  CHECK(test::codes(found.findings) == texts{"syntax"});
  const auto& all = found.settings->destinations;
  REQUIRE(all.size() == 3);
  CHECK(all[2].name == "x");
  CHECK(all[2].fault == to_string(found.findings.at(0)));
  CHECK(found.settings->sources.at(0).target_destinations == texts{"b", "x"});
}

TEST_CASE("of two destinations with one name the first is used, the second is an error") {
  home files;
  files.write("destinations/a.toml", a_destination("d", "url = \"1\"\n"));
  files.write("destinations/b.toml", a_destination("d", "url = \"2\"\n"));
  files.write("destinations/c.toml", a_destination("e"));
  const auto found = files.examine();
  REQUIRE(found.settings);
  CHECK(test::codes(found.findings) == texts{"duplicate_name"});
  const auto& all = found.settings->destinations;
  REQUIRE(all.size() == 2);
  CHECK(all[0].values.at("url") == "1");
  CHECK(all[0].fault.empty());
  CHECK(all[1].name == "e");
}

TEST_CASE("a source may name several destinations") {
  home files;
  files.write("destinations/a.toml", a_destination("a"));
  files.write("destinations/b.toml", a_destination("b"));
  const auto targets = [&](const std::string& lines) {
    files.source(lines);
    return files.settings().sources.at(0).target_destinations;
  };
  CHECK(targets("target_destinations = [\"b\", \"a\"]\n") == texts{"b", "a"});
  CHECK(targets("target_destinations = []\n") == texts{"a"});
  CHECK(targets("target_destinations = []\ntarget_destination = \"b\"\n") == texts{"b"});
  CHECK(targets("target_destinations = [\"b\"]\ntarget_destination = \"b\"\n") == texts{"b"});
}

TEST_CASE("targets that are unknown, repeated or contradictory are errors at their place") {
  home files;
  files.write("destinations/a.toml", a_destination("a"));
  files.write("destinations/b.toml", a_destination("b"));
  const auto said_of = [&](const std::string& lines) {
    files.source(lines);
    CHECK_FALSE(files.examine().settings);
    return files.said();
  };
  CHECK(said_of("target_destinations = [\"a\", \"x\"]\n") ==
        texts{"sources/a.toml:4:29: error: SCHEMA_ERROR: there is no destination \"x\"; there are: "
              "a, b [unknown_destination]"});
  CHECK(said_of("target_destinations = [\"a\", \"b\", \"a\"]\n") ==
        texts{"sources/a.toml:4:34: error: SCHEMA_ERROR: destination \"a\" is in "
              "target_destinations twice [duplicate_target]"});
  CHECK(said_of("target_destinations = [\"a\", \"b\"]\ntarget_destination = \"a\"\n") ==
        texts{"sources/a.toml:5:1: error: SCHEMA_ERROR: source.target_destination and "
              "source.target_destinations say different things; keep one of them "
              "[conflicting_keys]"});
  CHECK(test::codes((said_of("target_destinations = [\"a\", 1]\n"), files.examine().findings)) ==
        texts{"wrong_type"});
}
