#include <random>
#include <string>
#include <vector>

#include "core/json_text.hpp"
#include "mapping/field_mapping.hpp"
#include "mapping/json_path.hpp"
#include "mapping/wildcard.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::mapping;

namespace {

std::string repeat(const std::string& text, std::size_t times) {
  std::string out;
  while (times-- > 0) out += text;
  return out;
}

std::string at(const std::string& path, const std::string& body) {
  return json_path::parse(path)->text_in(body).value_or("(nothing)");
}

/// Arrays and objects of a few keys, as deep as asked.
std::string random_value(std::mt19937& random, int depth) {
  const auto pick = [&](std::size_t below) { return random() % below; };
  static const std::vector<std::string> scalars{"1", "1.50", "\"x\"", "null", "true", "\"\""};
  static const std::vector<std::string> keys{"a", "b", "0", "1", "-1", "", "a.b", "#"};
  if (depth == 0 || pick(3) == 0) return scalars[pick(scalars.size())];
  const bool object = pick(2) == 0;
  std::string out(1, object ? '{' : '[');
  for (auto left = pick(5); left > 0; --left) {
    if (out.size() > 1) out += ", ";
    if (object) core::json::append_quoted(out, keys[pick(keys.size())]), out += ':';
    out += random_value(random, depth - 1);
  }
  return out += object ? '}' : ']';
}

std::string random_plain_path(std::mt19937& random) {
  static const std::vector<std::string> parts{"a", "b", "0", "1", "2", "-1", "", "a\\.b", "\\#"};
  std::string path = parts[random() % 5];
  for (auto left = random() % 4; left > 0; --left) path += "." + parts[random() % parts.size()];
  return path;
}

}  // namespace

TEST_CASE("a plain path finds the same in the pass over the members as by itself") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  int hits = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string path = random_plain_path(random);
    const std::string body = random_value(random, 4);
    CAPTURE(path, body);
    const auto compiled = json_path::parse(path);
    REQUIRE(compiled.ok());
    REQUIRE(compiled->is_plain());
    const auto alone = compiled->text_in(body);
    const field_mapping through({{"found", path}, {"role", "other"}}, {{"found", {}}});
    auto fields = through.apply(body).metadata;
    // An empty text is kept only if it was found.
    const auto in_pass = fields.find("found");
    REQUIRE(alone.has_value() == (in_pass != fields.end()));
    if (!alone) continue;
    ++hits;
    REQUIRE(*alone == in_pass->second);
  }
  CHECK(hits > 100);
}

TEST_CASE("bodies nested as deep as a body may be are searched without the machine's stack") {
  const std::size_t deep = core::json::depth_max;
  const std::string arrays = repeat("[", deep) + repeat("]", deep);
  const std::string objects = repeat("{\"a\":", deep - 1) + "{}" + repeat("}", deep - 1);
  REQUIRE(core::json::validate(arrays).ok());
  REQUIRE(core::json::validate(objects).ok());
  CHECK(at("0.0.0.#", arrays) == "1");
  CHECK(at(R"(@flatten:{"deep":true})", arrays) == "[]");
  CHECK(at("@flatten.@reverse.@values.#", arrays) == "1");
  CHECK(at("#.#.#.#.0.x", arrays) == "[[[[]]]]");
  CHECK(at("*.*.*.b", objects) == "(nothing)");
  CHECK(at("a.@keys", objects) == R"(["a"])");
  const std::string long_path = repeat("a.", 1000) + "@keys";
  CHECK(at(long_path, objects) == R"(["a"])");
}

TEST_CASE("deep flattening reads a body once, however deep what it holds is nested") {
  // Once for each level would be some 50,000,000,000 bytes.
  const std::size_t deep = core::json::depth_max;
  const std::string core_list = repeat("1,", 2'500'000) + "1";
  const std::string body = repeat("[", deep) + core_list + repeat("]", deep);
  REQUIRE(core::json::validate(body).ok());
  CHECK(at(R"(@flatten:{"deep":true}|#)", body) == "2500001");
}

TEST_CASE("a path of any kind is parsed or refused, however long it is") {
  CHECK(mapping_error(repeat("a.", 10'000))->find("it is longer than 2048 bytes") !=
        std::string::npos);
  CHECK_FALSE(mapping_error(repeat("#.", 1000) + "a"));
  CHECK_FALSE(mapping_error(repeat("#(", 500) + "a" + repeat(")", 500)));
  CHECK_FALSE(mapping_error(repeat("|", 2000)));
  CHECK_FALSE(mapping_error(repeat("*", 2000)));
  CHECK(mapping_error(repeat("#(", 1000)));
  const std::string arrays = repeat("[", 9000) + repeat("]", 9000);
  CHECK(at(repeat("#.", 1000) + "#", arrays).size() == 2001);
  CHECK(at(repeat("#(", 500) + "a" + repeat(")", 500), arrays) == "(nothing)");
}

TEST_CASE("patterns with many stars take no more steps than both lengths multiplied") {
  const std::string text(200'000, 'a');
  CHECK_FALSE(fits_pattern(text, repeat("*a", 100) + "b"));
  CHECK(fits_pattern(text, repeat("*a", 100)));
  CHECK(fits_pattern(text, repeat("*", 1000)));
  CHECK(at(repeat("*a", 100) + "b", "{\"" + text + "\":1}") == "(nothing)");
  // Every level of the path tries every key of its level, once.
  const std::string wide = "{" + repeat("\"k\":{\"k\":{\"k\":{\"k\":1}}},", 1000) + "\"k\":1}";
  CHECK(at("*.*.*.*.*.*.x", wide) == "(nothing)");
}

TEST_CASE("a pattern's ? takes a whole character, and a byte that belongs to none") {
  CHECK(fits_pattern("\xC3\xA9", "?"));
  CHECK_FALSE(fits_pattern("\xC3\xA9", "??"));
  CHECK(fits_pattern("\xE2\x82\xAC", "?"));
  CHECK(fits_pattern("\xF0\x9F\x98\x80x", "?x"));
  CHECK(fits_pattern("\xFF\xC3", "??"));
  CHECK_FALSE(fits_pattern("\xC3\xA9x", "*??x"));
  CHECK(fits_pattern("", ""));
  CHECK(fits_pattern("", "**"));
  CHECK_FALSE(fits_pattern("", "?"));
  CHECK(fits_pattern("a*?\\", R"(\a\*\?\\)"));
}
