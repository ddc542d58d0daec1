#include "mapping/field_mapping.hpp"

#include "mapping/value_text.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::mapping;

namespace {

using metadata = std::map<std::string, std::string>;

mapped_fields map_fields(const std::string& body, const path_list& paths) {
  return field_mapping(paths, {}).apply(body);
}

/// What the path finds, as the content.
std::string at(const std::string& path, const std::string& body) {
  return map_fields(body, {{"content", path}}).content;
}

}  // namespace

TEST_CASE("a value becomes text by the reference's rules") {
  struct row {
    std::string raw, text;
  };
  const std::vector<row> rows{
      {"\"a\\n\\u00e9\\\"\"", "a\n\xC3\xA9\""},
      {"\"\\ud800\"", "\xEF\xBF\xBD"},
      {"\"\xFF\"", "\xFF"},
      {"0", "0"},
      {"-0", "-0"},
      {"123456789012345678901234567890", "123456789012345678901234567890"},
      {"1.50", "1.5"},
      {"-0.0", "-0"},
      {"1e3", "1000"},
      {"1E3", "1000"},
      {"1e23", "100000000000000000000000"},
      {"12345.678e2", "1234567.8"},
      {"1.5e-7", "0.00000015"},
      {"0.1", "0.1"},
      {"100.0", "100"},
      {"0.30000000000000004", "0.30000000000000004"},
      {"5e-324", "0." + std::string(323, '0') + "5"},
      {"1e308", "1" + std::string(308, '0')},
      {"1E400", "+Inf"},
      {"-1E400", "-Inf"},
      {"1e-400", "0"},
      {"-1e-400", "-0"},
      {"true", "true"},
      {"false", "false"},
      {"null", ""},
      {"{ \"a\" : 1 }", "{ \"a\" : 1 }"},
      {"[1, 2]", "[1, 2]"},
  };
  for (const auto& [raw, text] : rows) {
    CAPTURE(raw);
    CHECK(value_text(raw) == text);
  }
}

TEST_CASE("a path leads through members and elements") {
  CHECK(at("a", R"({"a":"x"})") == "x");
  CHECK(at("a.b.c", R"({"a":{"b":{"c":1.50}}})") == "1.5");
  CHECK(at("a.1.b", R"({"a":[{"b":"no"},{"b":"yes"}]})") == "yes");
  CHECK(at("0.a", R"([{"a":"x"}])") == "x");
  CHECK(at("a.0", R"({"a":{"0":"key"}})") == "key");
  CHECK(at("a", R"({"a":[1, {"b":2}]})") == R"([1, {"b":2}])");
  CHECK(at("a.b", "{ \"a\" : { \"b\" : \"x\" } }") == "x");
}

TEST_CASE("a path that leads nowhere leaves its field empty") {
  const std::string body = R"({"a":{"b":"x"},"l":["x"],"A":"other case","s":"text","n":null})";
  for (const std::string path :
       {"b", "a.c", "a.b.c", "l.1", "l.x", "l.-1", "s.0", "n", "n.a", ""}) {
    CAPTURE(path);
    CHECK(at(path, body).empty());
  }
  CHECK(at("a", R"("scalar")").empty());
  CHECK(at("A", body) == "other case");
}

TEST_CASE("a backslash in a path takes the next character as it is") {
  CHECK(at(R"(a\.b)", R"({"a.b":"x","a":{"b":"no"}})") == "x");
  CHECK(at(R"(\#)", R"({"#":"x"})") == "x");
  CHECK(at(R"(\@this)", R"({"@this":"x"})") == "x");
  CHECK(at(R"(a\*)", R"({"a*":"x"})") == "x");
  CHECK(at(R"(a\\b)", R"({"a\\b":"x"})") == "x");
}

TEST_CASE("keys are compared unescaped") {
  CHECK(at("a", R"({"\u0061":"x"})") == "x");
  CHECK(at("a.b", R"({"a":{"\u0062":"x"}})") == "x");
}

TEST_CASE("the first of several members with one key that leads to a value wins for a path") {
  CHECK(at("a", R"({"a":"first","a":"second"})") == "first");
  CHECK(at("a", R"({"a":null,"a":"second"})").empty());
  CHECK(at("a.b", R"({"a":{"b":1,"b":2},"a":{"b":3}})") == "1");
  CHECK(at("a.b", R"({"a":"scalar","a":{"b":3}})") == "3");
  CHECK(at("a.b.c", R"({"a":{"b":1,"b":{"c":"x"},"b":{"c":"y"}}})") == "x");
}

TEST_CASE("what a path of this version cannot say is an error that names it") {
  for (const std::string path :
       {"a.#", "#", "a.#.b", "a.#(b=1).c", "a*", "a?b", "*.b", "a|b", "@reverse", "a.@flatten",
        "[a,b]", "{a,b}", "a.[b]", "!true", "..0"}) {
    CAPTURE(path);
    const auto why = mapping_error(path);
    REQUIRE(why);
    CHECK(why->find(path) != std::string::npos);
  }
  for (const std::string path : {"a", "a.b", "messages.0.content", "a#b", "a@b", "a.b[0]", "-1", "",
                                 R"(a\|b)", R"(\#)", "a."}) {
    CAPTURE(path);
    CHECK_FALSE(mapping_error(path));
  }
}

TEST_CASE("an unusable path is reported with its field, and its field stays empty") {
  const field_mapping compiled({{"content", "a.#.b"}, {"unknown", "#"}, {"role", "r"}}, {});
  REQUIRE(compiled.problems().size() == 1);
  CHECK(compiled.problems()[0].find("mapping of content") == 0);
  const auto out = compiled.apply(R"({"a":[{"b":1}],"r":"user"})");
  CHECK(out.content.empty());
  CHECK(out.role == "user");
}

TEST_CASE("the four fields are mapped in one pass, others of the mapping are not kept") {
  const auto out = map_fields(R"({"c":"C","m":{"text":"T","role":"R"},"model":"M","x":"X"})",
                              {{"collection", "c"},
                               {"content", "m.text"},
                               {"model", "model"},
                               {"role", "m.role"},
                               {"something", "x"}});
  CHECK(out.collection == "C");
  CHECK(out.content == "T");
  CHECK(out.model == "M");
  CHECK(out.role == "R");
  CHECK(out.metadata.empty());
}

TEST_CASE("metadata is every top-level member that no mapping path begins with") {
  const path_list paths{{"content", "message.content"}, {"model", "model"}};
  CHECK(
      map_fields(R"({"message":{"content":"x","lost":1},"model":"m","a":1.50,"b":null,"c":[1, 2]})",
                 paths)
          .metadata == metadata{{"a", "1.5"}, {"b", ""}, {"c", "[1, 2]"}});
}

TEST_CASE("without a mapping everything becomes metadata") {
  const auto out = map_fields(R"({"content":"x","n":1})", {});
  CHECK(out.content.empty());
  CHECK(out.metadata == metadata{{"content", "x"}, {"n", "1"}});
}

TEST_CASE("the last of several members with one key wins for metadata") {
  CHECK(map_fields(R"({"a":1,"\u0061":2})", {}).metadata == metadata{{"a", "2"}});
}

TEST_CASE("a path with an escaped dot does not keep its key out of the metadata") {
  const auto out = map_fields(R"({"a.b":"x","a":1})", {{"content", R"(a\.b)"}});
  CHECK(out.content == "x");
  CHECK(out.metadata == metadata{{"a.b", "x"}, {"a", "1"}});
}

TEST_CASE("a body that is no object is taken, with element numbers or the empty key") {
  CHECK(map_fields(R"(["x", {"a":1}, null])", {}).metadata ==
        metadata{{"0", "x"}, {"1", R"({"a":1})"}, {"2", ""}});
  CHECK(map_fields(R"(["x", "y"])", {{"content", "0"}}).metadata == metadata{{"1", "y"}});
  CHECK(map_fields(R"("text")", {}).metadata == metadata{{"", "text"}});
  CHECK(map_fields("1e3", {}).metadata == metadata{{"", "1000"}});
  CHECK(map_fields("null", {}).metadata == metadata{{"", ""}});
  CHECK(map_fields("[]", {}).metadata.empty());
  CHECK(map_fields("{}", {}).metadata.empty());
}

TEST_CASE("transforms apply in order, to mapped fields and to others") {
  const transform_lists transforms{{"content", {"trim", "coalesce:a:b"}},
                                   {"model", {"coalesce:early", "trim"}},
                                   {"role", {"coalesce:user"}},
                                   {"collection", {"upper", "coalesce:"}},
                                   {"other", {"trim"}}};
  const auto out = field_mapping({{"content", "c"}, {"model", "m"}}, transforms)
                       .apply(R"({"c":" \u3000\n","m":"  "})");
  CHECK(out.content == "a:b");
  CHECK(out.model.empty());
  CHECK(out.role == "user");
  CHECK(out.collection.empty());
}

TEST_CASE("trim takes white space of all scripts off both ends and nothing else") {
  CHECK(trim(" \t\r\n\v\f\xC2\x85\xC2\xA0 a b \xE2\x80\x83\xE3\x80\x80\xE2\x80\xA8") == "a b");
  CHECK(trim("\xE2\x80\x8B"
             "a") ==
        "\xE2\x80\x8B"
        "a");
  CHECK(trim("\xA0") == "\xA0");
  CHECK(trim("   ").empty());
  CHECK(trim("").empty());
}

TEST_CASE("metadata that no line of the log can hold is not gathered to its end") {
  std::string body = "[1";
  while (body.size() < 4'000'000) body += ",1";
  body += ']';
  const auto mapped = map_fields(body, {});
  CHECK(mapped.too_large);
  CHECK(mapped.metadata.size() < 1'000'000);  // of two million

  CHECK_FALSE(map_fields("[1,1]", {}).too_large);
  const std::string longest(10'000'000, 'x');
  CHECK_FALSE(map_fields("{\"k\":\"" + longest + "\"}", {}).too_large);
  // Of one key only the last value counts.
  CHECK_FALSE(map_fields("{\"k\":\"" + longest + "\",\"k\":\"" + longest + "\"}", {}).too_large);
}
