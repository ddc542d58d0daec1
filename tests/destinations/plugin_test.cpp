#include "destinations/plugin_loader.hpp"

#include <algorithm>

#include "core/path.hpp"
#include "tests/destinations/jsonl_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using namespace nexus::test;
using nexus::core::errc;
using nexus::core::setting_values;

namespace {

/// A library that the build has made of tests/destinations/plugins.
std::string built(const std::string& name) {
  return std::string(NEXUS_TEST_PLUGINS) + "/" + name + ".so";
}

std::string refusal(const std::string& path) {
  const auto loaded = load_plugin(path);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.reason().code == errc::bad_config);
  CHECK(loaded.reason().text.find(path) != std::string::npos);
  return loaded.reason().text;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

settings parrot(setting_values own) {
  settings from{"polly", "plugin", {{"path", built("good")}, {"settings.address", "here"}}};
  for (const auto& [name, value] : own) from.values["settings." + name] = value;
  from.timeout = std::chrono::milliseconds(1234);
  return from;
}

using problems = std::vector<std::string>;

/// "name: message" of each.
problems problems_of(const settings& from) {
  problems all;
  for (const auto& [name, message] :
       nexus::core::check_settings(plugin_type().schema, from.values)) {
    all.push_back(name + ": " + message);
  }
  return all;
}

std::string make_error(const settings& from) {
  auto made = plugin_type().make(from);
  REQUIRE_FALSE(made.ok());
  CHECK(made.reason().code == errc::bad_config);
  return made.reason().text;
}

}  // namespace

TEST_CASE("plugin: its destination gets its own settings, checked and complete") {
  auto made = plugin_type().make(parrot({{"file", "~/x"}}));
  REQUIRE(made.ok());
  const auto outcomes = (*made)->deliver(entries_of({"1", "2"}));
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].kind == outcome_kind::delivered);
  CHECK(outcomes[1].kind == outcome_kind::transient);
  CHECK(outcomes[1].reason == "2 polly 1234 address=here file=" +
                                  *nexus::core::absolute_path("~/x") + " mood=calm port=8125");
  const auto ping = (*made)->ping();
  REQUIRE_FALSE(ping.ok());
  CHECK(ping.reason().code == errc::unreachable);
  CHECK(ping.reason().text == "polly");
  // What it does not implement is answered by its own copy of our code.
  CHECK((*made)->exists(texts{"1"}).reason().code == errc::unsupported);
}

TEST_CASE("plugin: it reads back where its type does") {
  auto made = plugin_type().make_reader(parrot({}));
  REQUIRE(made.ok());
  CHECK(*(*made)->count() == 7);
  query what;
  what.text = "crackers";
  CHECK((*made)->find(what)->records == texts{"crackers"});

  settings other{"d", "plugin", {{"path", built("odd_returns_null")}}};
  const auto none = plugin_type().make_reader(other);
  REQUIRE_FALSE(none.ok());
  CHECK(none.reason().code == errc::not_found);
}

TEST_CASE("plugin: what is wrong with its settings is said under their names") {
  CHECK(problems_of(parrot({})).empty());
  CHECK(problems_of(parrot({{"address", ""}, {"port", "70000"}, {"mood", "sad"}, {"x", "y"}})) ==
        problems{"settings.address: address is empty",
                 "settings.port: port must be from 0 to 65535",
                 R"(settings.mood: mood must be one of "calm", "angry", "raging")",
                 "settings.x: there is no key x"});
  settings none = parrot({});
  none.values.erase("settings.address");
  CHECK(problems_of(none) == problems{"settings.address: address is missing"});
  CHECK(problems_of(parrot({{"port", "13"}})) ==
        problems{"settings.port: 13 brings bad luck", "settings: so does all else"});
  const auto home = problems_of(parrot({{"file", "~polly/x"}}));
  REQUIRE(home.size() == 1);
  CHECK(home[0].starts_with("settings.file: file: ~ before a user's name"));
  const auto thrown = problems_of(parrot({{"port", "666"}}));
  REQUIRE(thrown.size() == 1);
  CHECK(thrown[0].starts_with("path: plugin "));
  CHECK(thrown[0].ends_with("no check for that"));
  CHECK(holds(make_error(parrot({{"port", "13"}})), "polly"));
  CHECK(holds(make_error(parrot({{"port", "13"}})), "13 brings bad luck"));
}

TEST_CASE("plugin: what is wrong with its file is a problem of path") {
  settings from{"d", "plugin", {}};
  CHECK(problems_of(from) == problems{"path: path is missing"});
  CHECK(holds(make_error(from), "path"));
  from.values["path"] = built("odd_interface");
  const auto found = problems_of(from);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("path: plugin " + built("odd_interface")));
  CHECK(holds(make_error(from), "4711"));
}

TEST_CASE("plugin: a file that is no plugin is refused, and the reason says why") {
  const temp_dir dir;
  CHECK(holds(refusal(dir / "none.so"), "No such file"));
  write_file(dir / "text.so", "this is no library, but it is long enough to be looked at\n");
  CHECK(holds(refusal(dir / "text.so"), "cannot be loaded"));
  CHECK(holds(refusal(dir.path()), "cannot be loaded"));
  CHECK(holds(refusal(built("odd_no_symbol")), "NEXUS_DESTINATION_PLUGIN"));
  CHECK(holds(refusal(built("odd_magic")), "is no plugin"));
}

TEST_CASE("plugin: one that was built for something else is refused before it runs") {
  for (const char* name : {"odd_interface", "odd_compiler", "odd_layout"}) {
    const auto text = refusal(built(name));
    CHECK(holds(text, "of Nexus 9.8.7 with g++ 99.1"));
    CHECK(holds(text, "this program has interface 1 of Nexus "));
    CHECK(holds(text, "rebuild the plugin against Nexus "));
  }
  CHECK(holds(refusal(built("odd_interface")), "built for interface 4711"));
  CHECK(holds(refusal(built("odd_layout")), "layout dead"));
}

TEST_CASE("plugin: what its functions throw is an error, and no end of the program") {
  CHECK(refusal(built("odd_throws")).ends_with("has thrown: out of luck"));
  CHECK(holds(refusal(built("odd_throws_number")), "no std::exception"));
  CHECK(holds(make_error(parrot({{"mood", "raging"}})), "cannot be made like that"));
  // deliver's are left to the pipeline, which takes them as transient.
  auto made = plugin_type().make(parrot({{"mood", "angry"}}));
  REQUIRE(made.ok());
  CHECK_THROWS_AS((*made)->deliver(entries_of({"1"})), std::runtime_error);
}

TEST_CASE("plugin: a type that cannot work is refused") {
  CHECK(holds(refusal(built("odd_empty")), "has no make"));
  CHECK(holds(refusal(built("odd_fallback")), "file must be absolute"));
  settings from{"d", "plugin", {{"path", built("odd_returns_null")}}};
  CHECK(holds(make_error(from), "returned nothing"));
}

TEST_CASE("plugin: several destinations can come out of one library") {
  auto first = plugin_type().make(parrot({{"address", "a"}}));
  auto second = plugin_type().make(parrot({{"address", "b"}}));
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  const auto said = [](destination& who) { return who.deliver(entries_of({"1", "2"}))[1].reason; };
  CHECK(holds(said(**first), "address=a"));
  CHECK(holds(said(**second), "address=b"));
}
