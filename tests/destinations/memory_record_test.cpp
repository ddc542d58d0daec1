#include "destinations/memory_record.hpp"

#include <limits>

#include "tests/destinations/sqlite_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::destinations;
using nexus::core::errc;
using nexus::test::json_of;

namespace {

/// The payload of golden vector V5 (section 1.5 of the v0.1.2 behaviour).
const std::string golden =
    R"({"payload_id":"9cc2a55a30b8d300684a672c595b6eee","request_id":"req-1","source":"default",)"
    R"("subject":"default","namespace":"default","destination":"sqlite","collection":"",)"
    R"("content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z",)"
    R"("idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0",)"
    R"("actor_type":"user","actor_id":"","metadata":{"a":"2","z":"1"},)"
    R"("classification_tier":"public"})";

memory_record parsed(const std::string& json) {
  auto record = parse_record(json);
  INFO(json);
  REQUIRE(record.ok());
  return *record;
}

/// The embedding of a record as append_json spells it.
std::string spelled(float value) {
  memory_record record;
  record.embedding = {value};
  const std::string json = json_of(record);
  const std::size_t first = json.find('[') + 1;
  return json.substr(first, json.find(']') - first);
}

}  // namespace

TEST_CASE("a payload of the reference is read and written back byte for byte") {
  CHECK(json_of(parsed(golden)) == golden);
}

TEST_CASE("every member is read, and written in the fixed order") {
  const std::string full =
      R"({"payload_id":"1","request_id":"2","source":"3","subject":"4","namespace":"5",)"
      R"("destination":"6","collection":"7","content":"8","model":"9","role":"10",)"
      R"("timestamp":"2026-01-01T00:00:00.5Z","idempotency_key":"12","schema_version":13,)"
      R"("transform_version":"14","actor_type":"15","actor_id":"16","embedding":[1,-0.5],)"
      R"("metadata":{"k\"":"v\\"},"sensitivity_labels":["a\"","b\\"],)"
      R"("classification_tier":"20"})";
  CHECK(json_of(parsed(full)) == full);
}

TEST_CASE("what is empty in the tail of a record is left out") {
  const std::string json = json_of(memory_record{});
  CHECK(json ==
        R"({"payload_id":"","request_id":"","source":"","subject":"","namespace":"",)"
        R"("destination":"","collection":"","content":"","model":"","role":"","timestamp":"",)"
        R"("idempotency_key":"","schema_version":0,"transform_version":"","actor_type":"",)"
        R"("actor_id":""})");
}

TEST_CASE("keys match in any order and case, the last of two wins, unknown ones are dropped") {
  const auto record =
      parsed(R"( {"CONTENT":"first","new_key":{"a":[1]},"Schema_Version":4,"content":"second",)"
             R"("\u0072ole":"user"} )");
  CHECK(record.content == "second");
  CHECK(record.schema_version == 4);
  CHECK(record.role == "user");
}

TEST_CASE("null keeps the default") {
  const auto record =
      parsed(R"({"content":null,"schema_version":null,"timestamp":null,"embedding":null,)"
             R"("metadata":null,"sensitivity_labels":null,"classification_tier":null})");
  CHECK(record.content.empty());
  CHECK(record.schema_version == 0);
  CHECK(record.timestamp == "0001-01-01T00:00:00Z");
  CHECK(record.embedding.empty());
  CHECK(parsed(R"({"metadata":{"k":null}})").metadata.at("k").empty());
}

TEST_CASE("a payload that is no record is refused without quoting it") {
  const std::string text =
      GENERATE("", "null", "[]", "7", R"("secret")", "{", R"({"content":"secret")",
               R"({"content":7})", R"({"content":["secret"]})", R"({"schema_version":"secret"})",
               R"({"schema_version":1.0})", R"({"schema_version":99999999999999999999})",
               R"({"embedding":"secret"})", R"({"embedding":["secret"]})",
               R"({"embedding":[1e39]})", R"({"embedding":[1e5000]})", R"({"metadata":["secret"]})",
               R"({"metadata":{"secret":1}})", R"({"sensitivity_labels":"secret"})",
               R"({"sensitivity_labels":[1]})", R"({"classification_tier":1})",
               R"({"timestamp":"secret"})", R"({"timestamp":""})", R"({"content":"a"} secret)");
  auto record = parse_record(text);
  INFO(text);
  REQUIRE_FALSE(record.ok());
  CHECK(record.reason().code == errc::invalid_argument);
  CHECK(record.reason().text.find("secret") == std::string::npos);
}

TEST_CASE("a timestamp is converted to UTC, so that its text can be compared") {
  CHECK(parsed(R"({"timestamp":"2026-01-01T02:00:00.500+02:00"})").timestamp ==
        "2026-01-01T00:00:00.5Z");
  CHECK(parsed(R"({"timestamp":"2026-01-01T00:00:00.123456789Z"})").timestamp ==
        "2026-01-01T00:00:00.123456789Z");
}

TEST_CASE("lone surrogates and bytes that are not UTF-8 become the replacement character") {
  const auto record = parsed(
      "{\"content\":\"a\\ud800b\xff"
      "c\",\"metadata\":{\"k\xfe\":\"\xc3\x28\"}}");
  CHECK(record.content ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd"
        "c");
  CHECK(record.metadata.at("k\xef\xbf\xbd") == "\xef\xbf\xbd(");
}

TEST_CASE("NUL characters and text outside ASCII survive") {
  const auto record = parsed("{\"content\":\"a\\u0000b\",\"subject\":\"\xc3\xa9\\ud83d\\ude00\"}");
  CHECK(record.content == std::string("a\0b", 3));
  CHECK(record.subject == "\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(json_of(record).find("a\\u0000b") != std::string::npos);
}

TEST_CASE("metadata is an object with sorted keys, and can be read back") {
  const std::map<std::string, std::string> metadata{{"a", "<1>"}, {"Z", "2"}, {"\xc3\xa9", "3"}};
  CHECK(metadata_json(metadata) == "{\"Z\":\"2\",\"a\":\"\\u003c1\\u003e\",\"\xc3\xa9\":\"3\"}");
  CHECK(metadata_json({}) == "{}");
  auto back = parse_metadata(metadata_json(metadata));
  REQUIRE(back.ok());
  CHECK(*back == metadata);
  CHECK_FALSE(parse_metadata("not json").ok());
  CHECK_FALSE(parse_metadata("[]").ok());
}

TEST_CASE("numbers of an embedding are the shortest that read back as the same float32") {
  CHECK(spelled(0.0F) == "0");
  CHECK(spelled(-0.0F) == "-0");
  CHECK(spelled(1.0F) == "1");
  CHECK(spelled(-0.25F) == "-0.25");
  CHECK(spelled(0.1F) == "0.1");
  CHECK(spelled(123.456F) == "123.456");
  CHECK(spelled(16777216.0F) == "16777216");
  CHECK(spelled(1e20F) == "100000000000000000000");
  CHECK(spelled(1e21F) == "1e+21");
  CHECK(spelled(std::numeric_limits<float>::max()) == "3.4028235e+38");
  CHECK(spelled(1e-6F) == "0.000001");
  CHECK(spelled(9.9e-7F) == "9.9e-7");
  CHECK(spelled(1e-7F) == "1e-7");
  CHECK(spelled(1.5e-10F) == "1.5e-10");
}

TEST_CASE("numbers too small for a float32 are read as zero") {
  const auto record = parsed(R"({"embedding":[1e-60,-1e-60,1e-40,3.4028235e38,null]})");
  REQUIRE(record.embedding.size() == 5);
  CHECK(record.embedding[0] == 0.0F);
  CHECK(record.embedding[1] == 0.0F);
  CHECK(record.embedding[2] > 0.0F);
  CHECK(record.embedding[3] == std::numeric_limits<float>::max());
  CHECK(record.embedding[4] == 0.0F);
}
