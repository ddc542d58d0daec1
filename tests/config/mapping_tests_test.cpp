// The files of `nexus config test`.
#include "config/mapping_tests.hpp"
#include "tests/config/home.hpp"

using namespace nexus;
using test::home;
using test::texts;

namespace {

/// What is said of a file with this text.
texts said_of(const std::string& text) {
  home files;
  files.write("t.toml", text);
  std::vector<config::finding> findings;
  const auto tests = config::read_mapping_tests(files / "t.toml", findings);
  config::source_config chat;
  chat.name = "chat";
  config::check_sources(tests, {chat}, findings);
  return files.lines(findings);
}

}  // namespace

TEST_CASE("a test is read with the place of each expectation") {
  home files;
  files.write("body.json", "{\"from\":\"file\"}\n");
  files.write("t.toml", R"([[test]]
name = "first"
source = "chat"
headers = { X-Subject = "alice", Idempotency-Key = "k" }
input = '''{"a":1}'''
[test.expect]
content = "hi"
destinations = ["b", "a"]
metadata = { lang = "de", "a.b" = "" }
exact_metadata = true
status = 200

[[test]]
name = "second"
source = "chat"
input_file = "body.json"
expect.error = "policy_denied"
)");
  std::vector<config::finding> findings;
  const auto tests = config::read_mapping_tests(files / "t.toml", findings);
  CHECK(files.lines(findings).empty());
  REQUIRE(tests.size() == 2);
  const auto& first = tests[0];
  CHECK(first.name == "first");
  CHECK(first.source == "chat");
  CHECK(first.where.line == 1);
  CHECK(first.headers.size() == 2);
  CHECK(first.input == "{\"a\":1}");
  REQUIRE(first.fields.size() == 1);
  CHECK(first.fields[0].name == "content");
  CHECK(first.fields[0].text == "hi");
  CHECK(first.fields[0].where.line == 7);
  CHECK(first.fields[0].where.column == 11);
  REQUIRE(first.destinations);
  CHECK(first.destinations->elements == texts{"b", "a"});
  REQUIRE(first.metadata.size() == 2);
  CHECK(first.metadata[1].name == "a.b");
  CHECK(first.metadata[1].where.column == 35);
  CHECK(first.exact_metadata);
  REQUIRE(first.status);
  CHECK(first.status->text == "200");
  CHECK_FALSE(first.error);
  CHECK(tests[1].input == "{\"from\":\"file\"}\n");
  REQUIRE(tests[1].error);
  CHECK(tests[1].error->text == "policy_denied");
}

TEST_CASE("a wrong key in a test is an error with its place and what was meant") {
  CHECK(
      said_of("[[test]]\nnam = \"x\"\n[test.expect]\ncontents = \"c\"\n[[tests]]\n") ==
      texts{
          "t.toml:2:1: error: unknown key \"nam\" in [test]; did you mean \"name\"? [unknown_key]",
          "t.toml:4:1: error: unknown key \"contents\" in [test.expect]; did you mean "
          "\"content\"? [unknown_key]",
          "t.toml:5:3: error: unknown key \"tests\" at the top of the file; did you mean "
          "\"test\"? [unknown_key]"});
  CHECK(said_of("[[test]]\nanything_else = 1\n") ==
        texts{"t.toml:2:1: error: unknown key \"anything_else\" in [test]; docs/mapping.md lists "
              "all keys [unknown_key]"});
  CHECK(
      said_of("[test]\n") ==
      texts{"t.toml:1:1: error: test must be a list of tables, but this is a table [wrong_type]"});
  CHECK(said_of("[[test]]\nexpect = { metadata = { a = 1 } }\n") ==
        texts{"t.toml:2:29: error: test.expect.metadata.a must be a string, but this is an integer "
              "[wrong_type]"});
}

TEST_CASE("a test says its name, its source and what is sent") {
  CHECK(said_of("[[test]]\n") ==
        texts{"t.toml:1:1: error: a test needs a name: name = \"…\" [missing_name]",
              "t.toml:1:1: error: a test needs the name of a source: source = \"…\" "
              "[missing_source]",
              "t.toml:1:1: error: a test needs what is sent: input = '{…}', or input_file = "
              "\"FILE\" [missing_input]"});
  CHECK(said_of("") == texts{"t.toml: error: there is no [[test]] in this file [missing_tests]"});
  const std::string head = "[[test]]\nname = \"n\"\nsource = \"chat\"\n";
  CHECK(said_of(head + "input = \"1\"\ninput_file = \"f\"\n") ==
        texts{"t.toml:5:1: error: input and input_file both say what is sent; keep one of them "
              "[conflicting_keys]"});
  CHECK(said_of(head + "input_file = \"f\"\n") ==
        texts{"t.toml:4:14: error: cannot read f: No such file or directory [unreadable]"});
  CHECK(said_of(head + "input = \"\"\nexpect = { error = \"e\", role = \"r\" }\n") ==
        texts{"t.toml:5:20: error: a write that is refused has no payload: beside error only "
              "status can be expected [conflicting_keys]"});
}

TEST_CASE("a test of a source that is not there names the nearest one, or all") {
  const auto said = [](const std::string& source) {
    return said_of("[[test]]\nname = \"n\"\ninput = \"1\"\nsource = \"" + source + "\"\n");
  };
  CHECK(said("chat").empty());
  CHECK(said("chta") ==
        texts{"t.toml:4:10: error: there is no source \"chta\"; did you mean \"chat\"? "
              "[unknown_source]"});
  CHECK(said("mobile") ==
        texts{"t.toml:4:10: error: there is no source \"mobile\"; there are: chat "
              "[unknown_source]"});
}
