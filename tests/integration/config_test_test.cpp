// `nexus config test`: people's tests of their own configuration.
#include <filesystem>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A home with a source "chat" that has a mapping worth testing.
struct chat_home : server_home {
  chat_home() {
    write("destinations/archive.toml",
          "[destination]\nname = \"archive\"\ntype = \"sqlite\"\ndb_path = \"" + path() +
              "/archive.db\"\n");
    write("sources/chat.toml", R"([source]
name = "chat"
api_key = "bfn_data_chat"
can_write = true
target_destinations = ["sqlite", "archive"]
[source.mapping]
content = 'messages.#(role=="user")#.content|-1'
role = "messages.-1.role"
lang = "meta.lang"
[source.transform]
content = ["trim"]
)");
  }

  command_outcome run(const std::string& text, std::vector<std::string> more = {}) const {
    write("chat_tests.toml", text);
    std::vector<std::string> words{"config", "test", path() + "/chat_tests.toml"};
    words.insert(words.end(), more.begin(), more.end());
    return nexus(words);
  }
};

const std::string good = R"([[test]]
name = "the last word of the user is the content"
source = "chat"
headers = { X-Subject = "alice" }
input = '''{"messages":[{"role":"user","content":"a"},{"role":"user","content":" b "},
                        {"role":"bot","content":"c"}], "meta":{"lang":"de"}, "n":1}'''
[test.expect]
content = "b"
role = "bot"
subject = "alice"
namespace = "chat"
destinations = ["archive", "sqlite"]
metadata = { lang = "de", n = "1" }
exact_metadata = true

[[test]]
name = "robots stay out"
source = "chat"
headers = { X-Actor-Type = "robot" }
input = '{}'
expect = { error = "invalid_actor_type", status = 400 }
)";

}  // namespace

TEST_CASE("Tests of a configuration that pass say so, and leave nothing behind") {
  const chat_home home;
  const auto passed = home.run(good);
  INFO(passed.err);
  CHECK(passed.status == 0);
  CHECK(passed.out ==
        "ok      the last word of the user is the content\n"
        "ok      robots stay out\n"
        "2 tests, 0 failed\n");
  CHECK_FALSE(std::filesystem::exists(home.wal()));
  CHECK_FALSE(std::filesystem::exists(home.database()));
}

TEST_CASE("A test of a configuration that fails says what was expected, what came and where") {
  const chat_home home;
  const auto failed = home.run(good + R"(
[[test]]
name = "wrong"
source = "chat"
input = '{"messages":[{"role":"user","content":"a"}]}'
[test.expect]
content = "b"
metadata = { lang = "en" }
)");
  CHECK(failed.status == 1);
  const std::string file = home.path() + "/chat_tests.toml";
  CHECK(holds(failed.out, "FAILED  wrong\n    " + file + ":28:11: content\n" +
                              "      expected  \"b\"\n      got       \"a\"\n    " + file +
                              ":29:21: metadata.lang\n" +
                              "      expected  \"en\"\n      got       nothing\n"));
  CHECK(holds(failed.out, "3 tests, 1 failed\n"));
  const auto json = home.nexus({"config", "test", file, "--json"});
  CHECK(json.status == 1);
  CHECK(core::json::validate(json.out).ok());
  CHECK(holds(json.out, R"({"tests":3,"failed":1,"results":[)"));
  CHECK(holds(json.out, R"("mismatches":[{"field":"content","expected":"b","got":"a","note":"",)"));
  CHECK(holds(json.out, R"({"field":"metadata.lang","expected":"en","got":null,)"));
}

TEST_CASE("A file of tests or a configuration that is wrong is a failure, and runs no test") {
  const chat_home home;
  const auto misspelt = home.run("[[test]]\nname = \"n\"\nsurce = \"chat\"\ninput = \"{}\"\n");
  CHECK(misspelt.status == 1);
  CHECK(misspelt.out ==
        home.path() +
            "/chat_tests.toml:3:1: error: unknown key \"surce\" in [test]; did you mean "
            "\"source\"? [unknown_key]\n");
  const auto missing = home.nexus({"config", "test", home.path() + "/none.toml"});
  CHECK(missing.status == 1);
  CHECK(holds(missing.out, "none.toml: error: cannot read "));
  home.write("sources/chat.toml", "[source]\nname = \"chat\"\n");
  const auto broken = home.run(good);
  CHECK(broken.status == 1);
  CHECK(holds(broken.out, "[empty_key]"));
  CHECK_FALSE(holds(broken.out, "ok "));
  CHECK(home.nexus({"config", "test"}).status == 1);
  CHECK(home.nexus({"config"}).status == 1);
}

TEST_CASE("A warning about the configuration is shown and the tests run") {
  const chat_home home;
  home.add_source("odd", "can_write = true\n");
  home.write("sources/odd.toml",
             "[source]\nname = \"odd\"\napi_key = \"k\"\ncan_write = true\n"
             "[source.mapping]\ncontent = \"[a,b]\"\nrole = \"r\"\n");
  const auto ran = home.run(
      "[[test]]\nname = \"n\"\nsource = \"odd\"\ninput = '{\"r\":\"x\"}'\n"
      "expect = { role = \"x\", content = \"\" }\n");
  CHECK(ran.status == 0);
  CHECK(holds(ran.out, "sources/odd.toml:6:11: warning: source.mapping.content finds nothing: "));
  CHECK(holds(ran.out, "1 test, 0 failed\n"));
}
