#include "core/json_text.hpp"

#include <string>
#include <vector>

#include "tests/support/catch.hpp"

namespace json = nexus::core::json;
using namespace std::string_literals;

namespace {

std::string nested(std::size_t depth, const std::string& open, const std::string& close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

std::string as_string(std::string_view text) {
  std::string out;
  json::append_quoted(out, text);
  return out;
}

std::string compact(std::string_view raw) {
  REQUIRE(json::validate(raw).ok());
  std::string out;
  json::append_compact(out, raw);
  return out;
}

const std::string rich =
    R"( {"a" : [1, -0, 0.5e+10, 1E400, true, false, null, {}, [], ""], "b\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t":{"":[[{}]]}} )";

// clang-format off
const std::vector<std::string> valid{
    "0", "-0", "1", "-1", "10", "1.0", "1.50", "1e0", "1E400", "-1e-400", "1e+1", "0.0", "0e0",
    "\"\"", "\"a\"", "true", "false", "null", "[]", "{}", "[1]", "[1,2]", "[[]]", "[{}]",
    "{\"a\":1}", "{\"\":\"\"}", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00x\"",
    "\"\\uD83D\\uDE00\"", "{\"a\":1,\"a\":2}", "\"\x7f\"", "\"\xff\xfe\"", "\"\xc3\xa9\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", " \t\r\n1 \t\r\n", "[ 1 , 2 ]", "{ \"a\" : 1 , \"b\" : 2 }",
    "123456789012345678901234567890", "\"\xe2\x80\xa8\""};

const std::vector<std::string> invalid{
    "", " ", "-", "+1", "01", "-01", "1.", ".5", "1.e1", "1e", "1e+", "0x1", "1_0", "NaN",
    "Infinity", "-Infinity", "tru", "truE", "True", "nul", "nulll", "\"", "\"a", "'a'", "\"\\x\"",
    "\"\\u12\"", "\"\\u12g4\"", "\"\\U0041\"", "\"\t\"", "\"\n\"", "\"\x1f\"", "\"\0\""s, "[",
    "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1",
    "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\" 1}", "{\"a\":1]", "1 2", "{}{}",
    "[],", "null,", "\xef\xbb\xbf{}", "1\0"s, "\v1", "\f1",
    "\xa0" "1", "/* */1", "[1]//", "\"\\", "\"\\\"",
    "{\"a\":1 \"b\":2}", "[true false]", "{[]:1}", "{null:1}"};
// clang-format on

}  // namespace

TEST_CASE("the scanner accepts exactly what RFC 8259 allows") {
  for (const auto& text : valid) {
    INFO("valid: " << text);
    CHECK(json::validate(text).ok());
  }
  for (const auto& text : invalid) {
    INFO("invalid: " << text);
    auto outcome = json::validate(text);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.reason().code == nexus::core::errc::invalid_argument);
  }
}

TEST_CASE("values nest 10,000 deep and not one deeper, however deep the input is") {
  CHECK(json::validate(nested(10'000, "[", "]")).ok());
  CHECK_FALSE(json::validate(nested(10'001, "[", "]")).ok());
  CHECK(json::validate(nested(10'000, "{\"a\":", "}")).ok());
  CHECK_FALSE(json::validate(nested(10'001, "{\"a\":", "}")).ok());
  CHECK(json::validate(nested(5'000, "[{\"a\":", "}]")).ok());
  CHECK_FALSE(json::validate(nested(5'001, "[{\"a\":", "}]")).ok());
  CHECK_FALSE(json::validate(nested(100'000, "[", "]")).ok());
  CHECK_FALSE(json::validate(std::string(1'000'000, '[')).ok());
  // Depth is what is open at once, not what has been opened.
  std::string many = "[";
  for (int i = 0; i < 20'000; ++i) many += "[],";
  CHECK(json::validate(many + "{}]").ok());
}

TEST_CASE("no proper prefix of an object is valid") {
  REQUIRE(json::validate(rich).ok());
  auto end = rich.find_last_of('}');
  for (std::size_t length = 0; length <= end; ++length) {
    INFO("length " << length);
    // A copy, so that a tool for memory errors sees every read past the end.
    CHECK_FALSE(json::validate(std::string(rich.data(), length)).ok());
  }
}

TEST_CASE(
    "a document with one byte too many at any place, a quote or a brace, is never read past its "
    "end") {
  for (std::size_t at = 0; at < rich.size(); ++at)
    for (char extra : {'"', '{', '}', '[', ']', ',', ':', '\\', '\0', '0'}) {
      auto text = rich;
      text.insert(at, 1, extra);
      if (!json::validate(text).ok()) continue;
      // Whatever is still valid must survive everything that trusts the validation.
      std::string out;
      json::append_compact(out, text);
      CHECK(json::validate(out).ok());
      CHECK(*json::is_compact(text) == (out == text));
      CHECK(*json::is_compact(out));
    }
}

TEST_CASE("value_length measures the first value and leaves the rest alone") {
  CHECK(*json::value_length("1 2") == 1);
  CHECK(*json::value_length("  {\"a\":[1]}garbage") == 11);
  CHECK(*json::value_length("\"a\"\"b\"") == 3);
  CHECK(*json::value_length("null,") == 4);
  CHECK(json::value_length("[1,").reason().text.find("byte 3") != std::string::npos);
}

TEST_CASE("kind_of tells a value by its first byte") {
  CHECK(json::kind_of("null") == json::kind::null);
  CHECK(json::kind_of("true") == json::kind::boolean);
  CHECK(json::kind_of("false") == json::kind::boolean);
  CHECK(json::kind_of("-1") == json::kind::number);
  CHECK(json::kind_of("0") == json::kind::number);
  CHECK(json::kind_of("\"\"") == json::kind::string);
  CHECK(json::kind_of("[]") == json::kind::array);
  CHECK(json::kind_of("{}") == json::kind::object);
}

TEST_CASE("members steps through an object with raw keys and values, duplicates included") {
  json::members items(R"( { "a" : 1 , "a":[2, {"b":"]"}], "c\"" : "x,}" ,"d":{},"e":-1.5E+3 } )");
  const std::vector<std::pair<std::string, std::string>> expected{{"\"a\"", "1"},
                                                                  {"\"a\"", R"([2, {"b":"]"}])"},
                                                                  {R"("c\"")", "\"x,}\""},
                                                                  {"\"d\"", "{}"},
                                                                  {"\"e\"", "-1.5E+3"}};
  for (const auto& [key, value] : expected) {
    const auto* item = items.next();
    REQUIRE(item != nullptr);
    CHECK(item->key == key);
    CHECK(item->value == value);
  }
  CHECK(items.next() == nullptr);
  CHECK(items.next() == nullptr);
}

TEST_CASE("members steps through an array, whose elements have no keys") {
  json::members items(R"([1, "a\\" , null,[],true])");
  for (std::string value : {"1", R"("a\\")", "null", "[]", "true"}) {
    const auto* item = items.next();
    REQUIRE(item != nullptr);
    CHECK(item->key.empty());
    CHECK(item->value == value);
  }
  CHECK(items.next() == nullptr);
  CHECK(json::members("[]").next() == nullptr);
  CHECK(json::members(" { } ").next() == nullptr);
}

TEST_CASE("unquote resolves escapes, joins surrogate pairs and replaces lone ones") {
  const std::vector<std::pair<std::string, std::string>> table{
      {R"("")", ""},
      {R"("a\"\\\/\b\f\n\r\tz")", "a\"\\/\b\f\n\r\tz"},
      {R"("\u0041\u00e9\u20aC")", "A\u00e9\u20ac"},
      {R"("\u0000")", "\0"s},
      {R"("\ud83d\ude00")", "\U0001F600"},
      {R"("\uDBFF\uDFFF")", "\U0010FFFF"},
      {R"("\ud800")", "\ufffd"},
      {R"("\udc00")", "\ufffd"},
      {R"("\ud800x")", "\ufffdx"},
      {R"("\ud800\n")", "\ufffd\n"},
      {R"("\ud800\u0041")", "\ufffdA"},
      {R"("\ud800\ud83d\ude00")", "\ufffd\U0001F600"},
      {R"("\udc00\ud800")", "\ufffd\ufffd"},
      {"\"\xff\"", "\xff"}};
  for (const auto& [raw, text] : table) {
    INFO(raw);
    REQUIRE(json::validate(raw).ok());
    CHECK(json::unquote(raw) == text);
  }
}

TEST_CASE("replace_invalid_utf8 replaces byte by byte what is not UTF-8, and nothing else") {
  const std::string bad = "\xEF\xBF\xBD";
  const std::vector<std::pair<std::string, std::string>> table{
      {"", ""},
      {"abc", "abc"},
      {"\xc3\xa9", "\xc3\xa9"},
      {"\xff", bad},
      {"a\xff"
       "b",
       "a" + bad + "b"},
      {"\xc3", bad},
      {"\xc3(", bad + "("},
      {"\xc0\x80", bad + bad},
      {"\xe2\x80", bad + bad},
      {"\xed\xa0\x80", bad + bad + bad},            // a surrogate
      {"\xe0\x80\x80", bad + bad + bad},            // too long a form
      {"\xf4\x90\x80\x80", bad + bad + bad + bad},  // beyond U+10FFFF
      {"\xf0\x8f\xbf\xbf", bad + bad + bad + bad},  // too long a form
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
      {"\xf0\x9f\x98\x80\x80", "\xf0\x9f\x98\x80" + bad}};
  for (const auto& [text, expected] : table) {
    CHECK(json::replace_invalid_utf8(text) == expected);
    // The quoted form writes the same character with an escape, and only for these bytes.
    CHECK(json::replace_invalid_utf8(json::unquote(as_string(text))) == expected);
  }
}

TEST_CASE("append_quoted spells each of the 256 bytes as the reference does") {
  for (int code = 0; code < 256; ++code) {
    std::string text(1, static_cast<char>(code));
    std::string expected = text;
    char hex[8];
    std::snprintf(hex, sizeof(hex), "\\u%04x", code);
    if (code < 0x20 || code == '<' || code == '>' || code == '&') expected = hex;
    if (code == '\b') expected = "\\b";
    if (code == '\f') expected = "\\f";
    if (code == '\n') expected = "\\n";
    if (code == '\r') expected = "\\r";
    if (code == '\t') expected = "\\t";
    if (code == '"') expected = "\\\"";
    if (code == '\\') expected = "\\\\";
    if (code >= 0x80) expected = "\\ufffd";
    INFO("byte " << code);
    CHECK(as_string(text) == "\"" + expected + "\"");
    CHECK(as_string("x" + text + "y") == "\"x" + expected + "y\"");
    REQUIRE(json::validate(as_string(text)).ok());
    if (code < 0x80) CHECK(json::unquote(as_string(text)) == text);
  }
  CHECK(as_string("\u2027\u2028\u2029\u202a") == "\"\u2027\\u2028\\u2029\u202a\"");
  CHECK(as_string("é😀\x7f/'") == "\"é😀\x7f/'\"");
  CHECK(as_string("\xe2\x80") == "\"\\ufffd\\ufffd\"");
}

TEST_CASE(
    "append_compact drops white space between tokens and escapes inside strings, and changes "
    "nothing else") {
  CHECK(compact(" { \"a\" : [ 1.0 , 2 ] ,\n\t\"a\":\r\"x y\" } ") == R"({"a":[1.0,2],"a":"x y"})");
  CHECK(compact(R"(["<>&"])") == R"(["\u003c\u003e\u0026"])");
  CHECK(compact("[\"\u2028\u2029\u202a\"]") == "[\"\\u2028\\u2029\u202a\"]");
  CHECK(compact(R"(["\u003C\/\ud800 \"  \\ "])") == R"(["\u003C\/\ud800 \"  \\ "])");
  CHECK(compact("[1E400,-0,1.50,123456789012345678901]") ==
        "[1E400,-0,1.50,123456789012345678901]");
  CHECK(compact("[\"\xff\xe2\x80\"]") == "[\"\xff\xe2\x80\"]");
  CHECK(compact(R"({"<":"\\"})") == R"({"\u003c":"\\"})");
  auto once = compact(rich);
  CHECK(compact(once) == once);
}

TEST_CASE("each of the 256 bytes is seen at every place of a string longer than a block") {
  for (int code = 0; code < 256; ++code)
    for (std::size_t at = 0; at <= 36; ++at) {
      std::string text(36, 'x');
      text.insert(at, 1, static_cast<char>(code));
      INFO("byte " << code << " at " << at);
      bool plain = code >= 0x20 && code != '"' && code != '\\';
      bool escaped = code == '<' || code == '>' || code == '&';
      REQUIRE(json::validate("\"" + text + "\"").ok() == plain);
      REQUIRE(json::is_utf8(text) == (code < 0x80));
      REQUIRE((as_string(text) == "\"" + text + "\"") == (plain && !escaped && code < 0x80));
      if (!plain) continue;
      REQUIRE(*json::is_compact("\"" + text + "\"") == !escaped);
      REQUIRE((compact("\"" + text + "\"") == "\"" + text + "\"") == !escaped);
    }
}

TEST_CASE("is_compact says whether append_compact would leave the text as it is") {
  for (const auto& text : valid) {
    INFO(text);
    CHECK(*json::is_compact(text) == (compact(text) == text));
  }
  CHECK_FALSE(*json::is_compact("[1, 2]"));
  CHECK_FALSE(*json::is_compact("[1,2]\n"));
  CHECK_FALSE(*json::is_compact(" [1,2]"));
  CHECK_FALSE(*json::is_compact("[\"\u2029\"]"));
  CHECK(*json::is_compact("[\"\u202a \xe2\"]"));
  CHECK_FALSE(json::is_compact("[1,2").ok());
  CHECK_FALSE(json::is_compact("[[1]]", 1).ok());
}
