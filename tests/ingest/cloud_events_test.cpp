// POST /events on the door; the events are those of the CloudEvents 1.0 documents.
#include <algorithm>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

std::shared_ptr<test::reply> send_event(fake_house& house, http::header_list headers,
                                        const std::string& body) {
  headers.emplace_back("Authorization", "Bearer key-of-default");
  return house.send(fake_house::make_request("POST", "/events", std::move(headers), body));
}

std::shared_ptr<test::reply> send_structured(fake_house& house, const std::string& body) {
  return send_event(house, {{"Content-Type", "application/cloudevents+json; charset=utf-8"}}, body);
}

std::string payload(const fake_house& house, std::size_t index = 0) {
  return house.batches.back().writes.at(index).at(0)->payload;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// An event in structured mode with one more member, or one less.
std::string event_with(const std::string& members) {
  return "{" + members + R"(,"data":{"x":1}})";
}

const std::string head =
    R"("specversion":"1.0","type":"com.example.someevent","source":"/mycontext","id":"A234-1234-1234")";

struct mapped_house : fake_house {
  mapped_house() {
    source().mapping = {{"content", "data.text"}, {"role", "type"}};
    source().idempotency_enabled = true;
  }
};

}  // namespace

TEST_CASE("an event in structured mode is mapped as it is") {
  mapped_house house;
  const auto answer =
      send_structured(house, " {" + head +
                                 R"(,"time":"2018-04-05T17:31:00Z","comexampleextension1":"value",)"
                                 R"("comexampleothervalue":5,"datacontenttype":"application/json",)"
                                 R"("data":{"text":"hello"}} )");
  REQUIRE(house.batches.size() == 1);
  const auto& entry = *house.batches[0].writes.at(0).at(0);
  CHECK(answer->status() == 200);
  CHECK(answer->body() ==
        "{\"payload_id\":\"" + entry.payload_id + "\",\"status\":\"accepted\"}\n");
  CHECK(entry.idempotency_key == "cloudevent:10:/mycontext:A234-1234-1234");
  CHECK(has(entry.payload, R"("content":"hello","model":"","role":"com.example.someevent")"));
  CHECK(has(entry.payload,
            R"("metadata":{"comexampleextension1":"value","comexampleothervalue":"5",)"
            R"("datacontenttype":"application/json","id":"A234-1234-1234","source":"/mycontext",)"
            R"("specversion":"1.0","time":"2018-04-05T17:31:00Z"})"));
}

TEST_CASE("an event in binary mode becomes the same document") {
  mapped_house house;
  const auto answer = send_event(house,
                                 {{"ce-specversion", "1.0"},
                                  {"CE-Type", "com.example.someevent"},
                                  {"ce-time", "2018-04-05T03:56:24Z"},
                                  {"ce-id", "1234-1234-1234"},
                                  {"ce-source", "/mycontext/subcontext"},
                                  {"ce-name", "Euro%20%E2%82%AC%20%F0%9F%98%80"},
                                  {"ce-quoted", "\"a \\\"b\\\"\""},
                                  {"Content-Type", "application/json; charset=utf-8"}},
                                 R"({"text":"hello"})");
  CHECK(answer->status() == 200);
  CHECK(has(payload(house), R"("content":"hello")"));
  CHECK(has(payload(house), "\"name\":\"Euro € 😀\""));
  CHECK(has(payload(house), R"("quoted":"a \"b\"")"));
  CHECK(has(payload(house), R"("datacontenttype":"application/json; charset=utf-8")"));
  CHECK(house.batches[0].writes[0][0]->idempotency_key ==
        "cloudevent:21:/mycontext/subcontext:1234-1234-1234");
}

TEST_CASE("data in binary mode is JSON, text or Base64, as its type says") {
  fake_house house;
  house.source().mapping = {};
  const auto data = [&](const std::string& type, const std::string& body) {
    http::header_list headers{
        {"ce-specversion", "1.0"}, {"ce-type", "t"}, {"ce-id", "1"}, {"ce-source", "s"}};
    if (!type.empty()) headers.emplace_back("Content-Type", type);
    const auto answer = send_event(house, headers, body);
    if (answer->status() != 200) return answer->body();
    const auto start = payload(house).find("\"metadata\":{\"data");
    if (start == std::string::npos) return std::string("(none)");
    const auto from = payload(house).substr(start + 12);
    return from.substr(0, from.find(",\"datacontenttype\"") < from.find(",\"id\"")
                              ? from.find(",\"datacontenttype\"")
                              : from.find(",\"id\""));
  };
  CHECK(data("application/json", R"( {"a":1} )") == R"("data":"{\"a\":1}")");
  CHECK(data("application/vnd.api+json", "7") == R"("data":"7")");
  CHECK(data("", R"({"a":1})") == R"("data":"{\"a\":1}")");
  CHECK(data("", "just text") == R"("data":"just text")");
  CHECK(data("text/plain", "a \"b\"") == R"("data":"a \"b\"")");
  CHECK(data("application/xml", "x") == R"("data":"x")");
  CHECK(data("text/plain", "\xFF\xFE") == R"("data_base64":"//4=")");
  CHECK(data("application/octet-stream", "abc") == R"("data_base64":"YWJj")");
  CHECK(has(data("application/json", "{"), "invalid_json"));
  CHECK(data("", "") == "(none)");
}

TEST_CASE("an event that is none is refused, and told which attribute is wrong") {
  fake_house house;
  const std::vector<std::pair<std::string, std::string>> rows{
      {event_with(R"("type":"t","source":"s","id":"1")"), "specversion is missing"},
      {event_with(R"("specversion":"1.0","source":"s","id":"1")"), "type is missing"},
      {event_with(R"("specversion":"1.0","type":"t","id":"1")"), "source is missing"},
      {event_with(R"("specversion":"1.0","type":"t","source":"s","id":"")"), "id is missing"},
      {event_with(R"("specversion":"1.0","type":"t","source":"s","id":7)"), "id is not a string"},
      {event_with(R"("specversion":"0.3","type":"t","source":"s","id":"1")"),
       "specversion must be 1.0"},
      {event_with(head + R"(,"data_base64":"YQ==")"), "data and data_base64"},
      {"[]", "an event is a JSON object"},
  };
  for (const auto& [body, message] : rows) {
    CAPTURE(body);
    const auto answer = send_structured(house, body);
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_event"));
    CHECK(has(answer->body(), message));
  }
  CHECK(send_structured(house, "{")->says("invalid_json"));
  const auto plain = send_event(house, {{"Content-Type", "application/json"}}, "{}");
  CHECK(plain->says("invalid_event"));
  const auto named = send_event(
      house, {{"ce-specversion", "1.0"}, {"ce-id", "1"}, {"ce-source", "s"}, {"ce-my-ext", "x"}},
      "");
  CHECK(has(named->body(), "ce-my-ext"));
  const auto escape = send_event(house, {{"ce-specversion", "1.0"}, {"ce-id", "%zz"}}, "");
  CHECK(has(escape->body(), "malformed escape in the attribute id"));
  CHECK(house.batches.empty());
}

TEST_CASE("an event that comes again is one event, whatever mode it comes in") {
  mapped_house house;
  const auto first = send_structured(house, event_with(head));
  const auto again = send_event(house,
                                {{"ce-specversion", "1.0"},
                                 {"ce-type", "com.example.someevent"},
                                 {"ce-id", "A234-1234-1234"},
                                 {"ce-source", "/mycontext"}},
                                "");
  CHECK(again->body() == first->body());
  CHECK(house.batches.size() == 1);
  // Joined without a boundary these two would be one.
  send_structured(house, event_with(R"("specversion":"1.0","type":"t","source":"a","id":"b:c")"));
  send_structured(house, event_with(R"("specversion":"1.0","type":"t","source":"a:b","id":"c")"));
  CHECK(house.batches.size() == 3);
}

TEST_CASE("the order of headers makes no other event") {
  mapped_house house;
  house.source().strict_idempotency = true;
  http::header_list headers{{"ce-specversion", "1.0"},
                            {"ce-type", "t"},
                            {"ce-id", "1"},
                            {"ce-source", "s"},
                            {"Content-Type", "application/json"}};
  const auto first = send_event(house, headers, "{}");
  REQUIRE(first->status() == 200);
  std::reverse(headers.begin(), headers.end());
  CHECK(send_event(house, headers, "{}")->body() == first->body());
  CHECK(send_event(house, headers, "[]")->says("idempotency_mismatch"));
}

TEST_CASE("a batch of events has a result for each, and an event twice in it is one") {
  mapped_house house;
  const auto send_batch = [&](const std::string& body) {
    return send_event(house, {{"Content-Type", "application/cloudevents-batch+json"}}, body);
  };
  const auto answer =
      send_batch("[" + event_with(head) + R"(, {"specversion":"1.0"} ,)" + event_with(head) + "]");
  CHECK(answer->status() == 207);
  REQUIRE(house.batches.size() == 1);
  REQUIRE(house.batches[0].writes.size() == 1);
  const auto id = house.batches[0].writes[0][0]->payload_id;
  CHECK(answer->body().starts_with("{\"results\":[{\"index\":0,\"status\":200,\"payload_id\":\"" +
                                   id + "\"},{\"index\":1,\"status\":400,\"error\":"));
  CHECK(has(answer->body(), "{\"index\":2,\"status\":200,\"payload_id\":\"" + id + "\"}"));
  CHECK(has(send_batch("[]")->body(), R"({"results":[],"accepted":0,"failed":0)"));
  CHECK(send_batch("{}")->says("invalid_event"));
  CHECK(send_batch("[")->says("invalid_json"));
}

TEST_CASE("events in other formats than JSON are refused before the body") {
  fake_house house;
  for (const std::string type :
       {"application/cloudevents+avro", "application/cloudevents-batch+xml"}) {
    const auto answer = send_event(house, {{"Content-Type", type}}, "x");
    CHECK(answer->status() == 415);
    CHECK(answer->refused_early);
  }
}

TEST_CASE("writing events needs the token of a source") {
  fake_house house;
  const auto answer = house.send(fake_house::make_request(
      "POST", "/events", {{"Authorization", "Bearer key-of-admin"}}, "{}"));
  CHECK(answer->says("wrong_token_class"));
}
