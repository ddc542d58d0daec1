// Every refusal of many writes in one request, over real HTTP: batches, messages, events and logs.
#include <string>
#include <vector>

#include "tests/integration/strict_home.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

std::vector<refusal> refused_batches() {
  const std::string to = "/inbound/main/batch";
  const header_list lines{{"Content-Type", "application/x-ndjson"}};
  const header_list json{{"Content-Type", "application/json"}};
  std::string six;
  for (int i = 0; i < 6; ++i) six += good + "\n";
  return {
      {"no entries", "POST", to, key_of("main"), lines, "\n \n", 400, "invalid_request"},
      {"an empty array", "POST", to, key_of("main"), json, "[]", 400, "invalid_request"},
      {"half an array", "POST", to, key_of("main"), json, "[{}", 400, "invalid_json"},
      {"no array", "POST", to, key_of("main"), json, good, 400, "invalid_json"},
      {"lines that are all bad", "POST", to, key_of("main"), lines, "{\n}\n", 400, "invalid_json"},
      {"six entries", "POST", to, key_of("main"), lines, six, 413, "batch_too_large"},
      {"4,097 bytes", "POST", to, key_of("main"), lines, value_of(4097), 413, "payload_too_large"},
      {"items that are all too large", "POST", "/inbound/small/batch", key_of("small"), lines,
       value_of(101), 413, "payload_too_large"},
      {"plain text",
       "POST",
       to,
       key_of("main"),
       {{"Content-Type", "text/plain"}},
       good,
       415,
       "unsupported_media_type"},
      {"an actor type",
       "POST",
       to,
       key_of("main"),
       {{"X-Actor-Type", "x"}},
       "[1]",
       400,
       "invalid_actor_type"},
      {"a tier",
       "POST",
       to,
       key_of("main"),
       {{"X-Classification-Tier", "x"}},
       "[1]",
       400,
       "invalid_classification_tier"},
      {"no content", "POST", "/inbound/strict/batch", key_of("strict"), lines, "{}", 422,
       "empty_content"},
      {"another's path", "POST", "/inbound/small/batch", key_of("main"), lines, good, 403,
       "source_mismatch"},
  };
}

std::vector<refusal> refused_messages_and_events() {
  const std::string memories = "/v1/memories";
  const std::string hello = R"({"messages":[{"role":"user","content":"hello"}]})";
  const header_list structured{{"Content-Type", "application/cloudevents+json"}};
  return {
      {"no messages",
       "POST",
       memories,
       key_of("main"),
       {},
       R"({"messages":[]})",
       400,
       "invalid_request"},
      {"a content that is a number",
       "POST",
       memories,
       key_of("main"),
       {},
       R"({"messages":[{"role":"user","content":7}]})",
       400,
       "invalid_json"},
      {"no JSON", "POST", memories, key_of("main"), {}, "x", 400, "invalid_json"},
      {"messages as text",
       "POST",
       memories,
       key_of("main"),
       {{"Content-Type", "text/plain"}},
       hello,
       415,
       "unsupported_media_type"},
      {"messages too large",
       "POST",
       memories,
       key_of("small"),
       {},
       R"({"messages":[{"role":"user","content":")" + std::string(100, 'x') + "\"}]}",
       413,
       "payload_too_large"},
      {"messages of one who only reads",
       "POST",
       memories,
       key_of("reader"),
       {},
       hello,
       403,
       "source_not_permitted_to_write"},
      {"messages to a forbidden destination",
       "POST",
       memories,
       key_of("elsewhere"),
       {},
       hello,
       403,
       "policy_denied"},
      {"an event without an id", "POST", "/events", key_of("main"), structured,
       R"({"specversion":"1.0","type":"t","source":"/s"})", 400, "invalid_event"},
      {"an event of another version", "POST", "/events", key_of("main"), structured,
       R"({"specversion":"0.3","type":"t","source":"/s","id":"1"})", 400, "invalid_event"},
      {"half an event", "POST", "/events", key_of("main"), structured, "{", 400, "invalid_json"},
      {"an event in Avro",
       "POST",
       "/events",
       key_of("main"),
       {{"Content-Type", "application/cloudevents+avro"}},
       "x",
       415,
       "unsupported_media_type"},
  };
}

}  // namespace

TEST_CASE("Every refusal of many writes at once has its status and its code, and stores nothing") {
  const strict_home home;
  const auto server = home.start();
  check_refusals(*server, refused_batches());
  check_refusals(*server, refused_messages_and_events());
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 0);
}

TEST_CASE("Refusals of /v1/logs are in the form of OTLP, whoever refuses") {
  const strict_home home;
  const auto server = home.start();
  struct refused {
    std::string token, type, body;
    int status;
    std::string start;
  };
  const std::string json = "application/json";
  for (const auto& one : std::vector<refused>{
           {"", json, "{}", 401, R"({"code":16,"error":"unauthorized","message":")"},
           {admin, json, "{}", 401, R"({"code":16,"error":"wrong_token_class","message":")"},
           {key_of("reader"), json, "{}", 403,
            R"({"code":7,"error":"source_not_permitted_to_write","message":")"},
           {key_of("main"), "application/x-protobuf", "x", 415,
            R"({"code":3,"error":"unsupported_media_type","message":")"},
           {key_of("main"), json, "{", 400, R"({"code":3,"error":"invalid_json","message":")"},
           {key_of("main"), json, R"({"resourceLogs":7})", 400,
            R"({"code":3,"error":"invalid_request","message":")"},
       }) {
    INFO(one.start);
    http_client client(server->port());
    const auto answer = client.request(
        "POST", "/v1/logs", {{"Authorization", "Bearer " + one.token}, {"Content-Type", one.type}},
        one.body);
    REQUIRE(answer);
    CHECK(answer->status == one.status);
    CHECK(answer->header("Content-Type") == "application/json");
    INFO(answer->body);
    CHECK(answer->body.starts_with(one.start));
    CHECK(answer->body.ends_with("\"}\n"));
  }
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 0);
}
