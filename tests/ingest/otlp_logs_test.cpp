// POST /v1/logs on the door.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

std::shared_ptr<test::reply> export_logs(fake_house& house, const std::string& body,
                                         http::header_list headers = {}) {
  headers.emplace_back("Authorization", "Bearer key-of-default");
  return house.send(fake_house::make_request("POST", "/v1/logs", std::move(headers), body));
}

std::string with_records(const std::string& records) {
  return R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[)" + records + "]}]}]}";
}

const core::entry& written(const fake_house& house, std::size_t index = 0) {
  return *house.batches.back().writes.at(index).at(0);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The example of the OpenTelemetry protocol's own files (examples/logs.json).
const std::string example = R"({
  "resourceLogs": [
    {
      "resource": {
        "attributes": [
          { "key": "service.name", "value": { "stringValue": "my.service" } }
        ]
      },
      "scopeLogs": [
        {
          "scope": {
            "name": "my.library",
            "version": "1.0.0",
            "attributes": [
              { "key": "my.scope.attribute", "value": { "stringValue": "some scope attribute" } }
            ]
          },
          "logRecords": [
            {
              "timeUnixNano": "1544712660300000000",
              "observedTimeUnixNano": "1544712660300000000",
              "severityNumber": 10,
              "severityText": "Information",
              "traceId": "5B8EFFF798038103D269B633813FC60C",
              "spanId": "EEE19B7EC3C1B174",
              "body": { "stringValue": "Example log record" },
              "attributes": [
                { "key": "string.attribute", "value": { "stringValue": "some string" } },
                { "key": "boolean.attribute", "value": { "boolValue": true } },
                { "key": "int.attribute", "value": { "intValue": "10" } },
                { "key": "double.attribute", "value": { "doubleValue": 637.704 } },
                { "key": "array.attribute",
                  "value": { "arrayValue": { "values": [
                    { "stringValue": "many" }, { "stringValue": "values" } ] } } },
                { "key": "map.attribute",
                  "value": { "kvlistValue": { "values": [
                    { "key": "some.map.key", "value": { "stringValue": "some value" } } ] } } }
              ]
            }
          ]
        }
      ]
    }
  ]
})";

}  // namespace

TEST_CASE("a log record becomes a payload: its body is the content, the rest is metadata") {
  fake_house house;
  const auto answer = export_logs(house, example, {{"Content-Type", "application/json"}});
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "{}");
  REQUIRE(house.batches.size() == 1);
  REQUIRE(house.batches[0].writes.size() == 1);
  const auto& payload = written(house).payload;
  CHECK(has(payload, R"("content":"Example log record")"));
  CHECK(has(payload,
            R"("metadata":{"attributes":"{\"string.attribute\":\"some string\",)"
            R"(\"boolean.attribute\":true,\"int.attribute\":10,\"double.attribute\":637.704,)"
            R"(\"array.attribute\":[\"many\",\"values\"],)"
            R"(\"map.attribute\":{\"some.map.key\":\"some value\"}}",)"
            R"("observed_time":"2018-12-13T14:51:00.3Z",)"
            R"("resource":"{\"service.name\":\"my.service\"}",)"
            R"("scope":"{\"name\":\"my.library\",\"version\":\"1.0.0\",)"
            R"(\"attributes\":{\"my.scope.attribute\":\"some scope attribute\"}}",)"
            R"("severity_number":"10","severity_text":"Information",)"
            R"("span_id":"EEE19B7EC3C1B174","time":"2018-12-13T14:51:00.3Z",)"
            R"("trace_id":"5B8EFFF798038103D269B633813FC60C"})"));
}

TEST_CASE("a source's mapping reads a log record as plain JSON") {
  fake_house house;
  house.source().mapping = {{"content", "body.text"},
                            {"collection", "resource.service\\.name"},
                            {"role", "severity_text"},
                            {"model", "attributes.n"}};
  export_logs(house, R"({"resourceLogs":[{"resource":{"attributes":[{"key":"service.name",)"
                     R"("value":{"stringValue":"s"}}]},"scopeLogs":[{"logRecords":[)"
                     R"({"severityText":"WARN","body":{"kvlistValue":{"values":[{"key":"text",)"
                     R"("value":{"stringValue":"deep"}}]}},"attributes":[{"key":"n",)"
                     R"("value":{"intValue":7}}]}]}]}]})");
  CHECK(has(written(house).payload,
            R"("collection":"s","content":"deep","model":"7","role":"WARN")"));
}

TEST_CASE("values of every kind become plain JSON") {
  fake_house house;
  house.source().mapping = {};
  const auto content = [&](const std::string& body) {
    const auto answer = export_logs(house, with_records(R"({"body":)" + body + "}"));
    if (answer->status() != 200) return answer->body();
    const auto& payload = written(house).payload;
    const auto start = payload.find("\"content\":") + 10;
    return payload.substr(start, payload.find(",\"model\"") - start);
  };
  CHECK(content(R"({"stringValue":"a\"b"})") == R"("a\"b")");
  CHECK(content(R"({"intValue":"-9223372036854775808"})") == R"("-9223372036854775808")");
  CHECK(content(R"({"intValue":5})") == R"("5")");
  CHECK(content(R"({"doubleValue":1.5})") == R"("1.5")");
  CHECK(content(R"({"doubleValue":"NaN"})") == R"("NaN")");
  CHECK(content(R"({"boolValue":false})") == R"("false")");
  CHECK(content(R"({"bytesValue":"YWJj"})") == R"("YWJj")");
  CHECK(content(R"({"arrayValue":{}})") == R"("[]")");
  CHECK(content(R"({"kvlistValue":{"values":[]}})") == R"("{}")");
  CHECK(content(R"({"arrayValue":{"values":[{"intValue":"1"},{},{"kvlistValue":{"values":)"
                R"([{"key":"k","value":{"boolValue":true}}]}}]}})") ==
        R"("[1,null,{\"k\":true}]")");
  CHECK(content("{}") == R"("")");
  for (const std::string bad :
       {R"({"intValue":"x"})", R"({"intValue":1.5})", R"({"intValue":"007"})",
        R"({"stringValue":7})", R"({"boolValue":"true"})", R"({"arrayValue":{"values":7}})",
        R"("text")", "7"}) {
    CAPTURE(bad);
    CHECK(has(content(bad), R"("error":"invalid_record")"));
  }
  std::string deep = R"({"stringValue":"x"})";
  for (int i = 0; i < 100; ++i) deep = R"({"arrayValue":{"values":[)" + deep + "]}}";
  CHECK(has(content(deep), "invalid_record"));
}

TEST_CASE("an empty request is a success, and unknown members are passed over") {
  fake_house house;
  for (const std::string body :
       {"{}", R"({"resourceLogs":[]})", R"({"resourceLogs":[{}]})", R"({"resourceLogs":null})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":[],"new":1}],"new":{}}],"new":[]})"}) {
    CAPTURE(body);
    const auto answer = export_logs(house, body);
    CHECK(answer->status() == 200);
    CHECK(answer->body() == "{}");
  }
  CHECK(house.batches.empty());
}

TEST_CASE("what is no export request is refused with 400, for good") {
  fake_house house;
  for (const std::string body :
       {"", "nope", "[]", R"({"resourceLogs":7})", R"({"resourceLogs":[{"scopeLogs":[7]}]})",
        R"({"resourceLogs":[{"scopeLogs":[{"logRecords":{}}]}]})"}) {
    CAPTURE(body);
    const auto answer = export_logs(house, body);
    CHECK(answer->status() == 400);
    CHECK(answer->body().starts_with("{\"code\":3,\"error\":\"invalid_"));
  }
  CHECK(house.batches.empty());
}

TEST_CASE("records that are refused for good are counted, and the others are taken") {
  fake_house house;
  house.source().payload_bytes_max = 60;
  const auto answer =
      export_logs(house, with_records(R"({"body":{"stringValue":"a"}},{"timeUnixNano":"soon"},)"
                                      R"({"body":{"stringValue":")" +
                                      std::string(100, 'x') + R"("}})"));
  CHECK(answer->status() == 200);
  CHECK(answer->body() == R"({"partialSuccess":{"rejectedLogRecords":"2","errorMessage":)"
                          R"("a log record is malformed: timeUnixNano"}})");
  CHECK(house.batches.at(0).writes.size() == 1);
}

TEST_CASE("what could be taken later is refused whole, with a code that exporters retry") {
  fake_house house;
  house.append_outcome = core::error{core::errc::overloaded, "full"};
  const auto full = export_logs(house, example);
  CHECK(full->status() == 429);
  CHECK(full->body().starts_with("{\"code\":8,\"error\":\"queue_full\",\"message\":\""));
  CHECK(full->header("Retry-After") == "5");
  house.append_outcome = core::error{core::errc::io_failed, "disk"};
  const auto broken = export_logs(house, example);
  CHECK(broken->status() == 503);
  CHECK(broken->body().starts_with("{\"code\":14,\"error\":\"internal_error\""));
  CHECK(broken->header("Retry-After") == "5");
}

TEST_CASE("protobuf is refused before the body, and the exporter's setting is named") {
  fake_house house;
  const auto answer = export_logs(house, "x", {{"Content-Type", "application/x-protobuf"}});
  CHECK(answer->status() == 415);
  CHECK(answer->refused_early);
  CHECK(answer->body().starts_with("{\"code\":3,\"error\":\"unsupported_media_type\""));
  CHECK(has(answer->body(), "http/json"));
}

TEST_CASE("refusals of /v1/logs have a status for OTLP, whoever refuses") {
  fake_house house;
  const auto nobody = house.send(fake_house::make_request("POST", "/v1/logs", {}, "{}"));
  CHECK(nobody->status() == 401);
  CHECK(nobody->body().starts_with("{\"code\":16,\"error\":\"unauthorized\""));
}

TEST_CASE("a refusal of /v1/logs is recorded with its code") {
  fake_house house;
  house.audits = true;
  export_logs(house, "nope");
  REQUIRE(house.interactions.size() == 1);
  CHECK(house.interactions[0].reason == "invalid_json");
}

TEST_CASE("a request may have as many records as a batch entries") {
  fake_house house;
  house.settings.limits.max_batch_entries = 2;
  CHECK(export_logs(house, with_records("{},{}"))->status() == 200);
  const auto answer = export_logs(house, with_records("{},{},{}"));
  CHECK(answer->status() == 413);
  CHECK(has(answer->body(), "batch_too_large"));
}

// Every record has a copy of its resource, so a megabyte and two thousand `{}` would be gigabytes.
TEST_CASE("the records of a request, with their resource and scope, have a limit together") {
  fake_house house;
  house.settings.limits.max_batch_bytes = 2'000;
  house.source().payload_bytes_max = 1'000;
  const auto with_resource = [](std::size_t bytes, const std::string& scope_logs) {
    return R"({"resourceLogs":[{"resource":{"attributes":[{"key":"k","value":{"stringValue":")" +
           std::string(bytes, 'x') + R"("}}]},"scopeLogs":[)" + scope_logs + "]}]}";
  };
  const std::string two = R"({"logRecords":[{},{}]})", one = R"({"logRecords":[{}]})";
  CHECK(export_logs(house, with_resource(400, two + "," + two))->status() == 200);
  CHECK(house.batches.size() == 1);
  SECTION("in one scope or in several") {
    for (const auto& more : {two + "," + two + "," + one, one + "," + two + "," + two}) {
      const auto answer = export_logs(house, with_resource(400, more));
      CHECK(answer->status() == 413);
      CHECK(has(answer->body(), "\"error\":\"batch_too_large\""));
    }
  }
  SECTION("also those that are too large for the source, and are not kept") {
    CHECK(export_logs(house, with_resource(1'200, one))->status() == 413);
    const auto answer = export_logs(house, with_resource(1'200, two));
    CHECK(has(answer->body(), "\"error\":\"batch_too_large\""));
  }
  SECTION("scopes without records count for nothing") {
    CHECK(export_logs(house, with_resource(400, "{},{},{},{},{},{},{},{}," + one))->status() ==
          200);
    CHECK(house.batches.size() == 2);
  }
  CHECK(house.batches.size() <= 2);
}

TEST_CASE("an exporter does not wait for deliveries, whatever the source wants") {
  fake_house house;
  house.source().ack = config::ack_level::delivered;
  CHECK(export_logs(house, with_records("{},{}"))->body() == "{}");
  CHECK(house.batches.at(0).wanted.empty());
}
