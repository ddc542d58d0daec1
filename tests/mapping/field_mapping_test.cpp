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

TEST_CASE("an unusable path is reported with its field, and its field stays empty") {
  const field_mapping compiled({{"content", "[a,b]"}, {"other", "a.@pretty"}, {"role", "r"}}, {});
  REQUIRE(compiled.problems().size() == 2);
  CHECK(compiled.problems()[0].find("mapping of content: path \"[a,b]\", offset 0: ") == 0);
  CHECK(compiled.problems()[1].find("mapping of other: path \"a.@pretty\", offset 2: ") == 0);
  const auto out = compiled.apply(R"({"a":[{"b":1}],"r":"user"})");
  CHECK(out.content.empty());
  CHECK(out.role == "user");
  CHECK(out.metadata.empty());
}

TEST_CASE("the four fields of a payload are taken from where their paths lead") {
  const auto out = map_fields(R"({"c":"C","m":[{"text":"T","role":"R"}],"model":"M"})",
                              {{"collection", "c"},
                               {"content", "m.#(role==\"R\").text"},
                               {"model", "model"},
                               {"role", "m.-1.role"}});
  CHECK(out.collection == "C");
  CHECK(out.content == "T");
  CHECK(out.model == "M");
  CHECK(out.role == "R");
  CHECK(out.metadata.empty());
}

TEST_CASE("other mapped fields become metadata under their own name") {
  const path_list paths{{"content", "m.text"}, {"lang", "m.lang"}, {"tags", "tags.#.name"}};
  CHECK(map_fields(R"({"m":{"text":"T","lang":"en"},"tags":[{"name":"a"},{"name":"b"}],"x":1})",
                   paths)
            .metadata == metadata{{"lang", "en"}, {"tags", R"(["a","b"])"}, {"x", "1"}});
  CHECK(map_fields(R"({"m":{}})", paths).metadata.empty());
  CHECK(map_fields(R"({"m":{"lang":null}})", paths).metadata == metadata{{"lang", ""}});
}

TEST_CASE("a mapped field wins over a member of its name, if its path leads to a value") {
  const path_list paths{{"lang", "m.lang"}};
  CHECK(map_fields(R"({"m":{"lang":"en"},"lang":"member"})", paths).metadata ==
        metadata{{"lang", "en"}});
  CHECK(map_fields(R"({"lang":"member","m":{"lang":"en"}})", paths).metadata ==
        metadata{{"lang", "en"}});
  CHECK(map_fields(R"({"lang":"member","m":{}})", paths).metadata == metadata{{"lang", "member"}});
}

TEST_CASE("transforms apply to mapped fields that become metadata") {
  const field_mapping how({{"lang", "m.lang"}, {"tone", "m.tone"}},
                          {{"lang", {"trim", "coalesce:en"}}, {"tone", {"trim"}}});
  CHECK(how.apply(R"({"m":{"lang":" de ","tone":" "}})").metadata ==
        metadata{{"lang", "de"}, {"tone", ""}});
  CHECK(how.apply(R"({"m":{}})").metadata == metadata{{"lang", "en"}});
}

TEST_CASE("a path keeps out of the metadata what stands before its first dot, as it is spelled") {
  const std::string body = R"({"m":[{"a":1}],"n":2,"m|0":3,"#":4,"@this":5,"*":6,"m\\":7})";
  const auto left = [&](const std::string& path) { return map_fields(body, {{"role", path}}); };
  CHECK(left("m.0").metadata.count("m") == 0);
  CHECK(left("m.#(a==1.5).a").metadata.count("m") == 0);
  CHECK(left("m.#.a").metadata.count("m") == 0);
  CHECK(left("m|0.a").metadata.count("m") == 1);
  CHECK(left("m|0.a").metadata.count("m|0") == 0);
  CHECK(left("@this.m").metadata.count("m") == 1);
  CHECK(left("@this.m").metadata.count("@this") == 0);
  CHECK(left("*.0").metadata.count("*") == 0);
  CHECK(left("*.0").metadata.count("m") == 1);
  CHECK(left("#.a").metadata.count("#") == 0);
  CHECK(left(R"(m\.0)").metadata.count("m") == 1);
  CHECK(left(R"(m\.0)").metadata.count("m\\") == 0);
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
  const std::string half(6'000'000, 'x');
  CHECK(map_fields("{\"k\":\"" + half + "\"}", {{"a", "*"}}).too_large);

  CHECK_FALSE(map_fields("[1,1]", {}).too_large);
  const std::string longest(10'000'000, 'x');
  CHECK_FALSE(map_fields("{\"k\":\"" + longest + "\"}", {}).too_large);
  // Of one key only the last value counts.
  CHECK_FALSE(map_fields("{\"k\":\"" + longest + "\",\"k\":\"" + longest + "\"}", {}).too_large);
}
