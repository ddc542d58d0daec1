#include "ingest/payload.hpp"

#include "core/entry.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::ingest;

namespace {

translated_payload golden() {
  translated_payload p;
  p.payload_id = "9cc2a55a30b8d300684a672c595b6eee";
  p.request_id = "req-1";
  p.source = "default";
  p.subject = "default";
  p.name_space = "default";
  p.destination = "sqlite";
  p.content = "hello";
  p.model = "m1";
  p.role = "user";
  p.timestamp = "2026-01-01T00:00:00Z";
  p.idempotency_key = "idem-1";
  p.actor_type = "user";
  p.metadata = {{"z", "1"}, {"a", "2"}};
  p.classification_tier = "public";
  return p;
}

const std::string golden_json =
    R"({"payload_id":"9cc2a55a30b8d300684a672c595b6eee","request_id":"req-1","source":"default",)"
    R"("subject":"default","namespace":"default","destination":"sqlite","collection":"",)"
    R"("content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00Z",)"
    R"("idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0",)"
    R"("actor_type":"user","actor_id":"","metadata":{"a":"2","z":"1"},)"
    R"("classification_tier":"public"})";

}  // namespace

TEST_CASE("a payload's JSON is that of golden vector V5") {
  CHECK(to_json(golden()) == golden_json);
}

TEST_CASE("an entry with that payload is the line of golden vector V5") {
  core::entry entry;
  entry.payload_id = "9cc2a55a30b8d300684a672c595b6eee";
  entry.idempotency_key = "idem-1";
  entry.timestamp = "2026-01-01T00:00:00Z";
  entry.source = "default";
  entry.destination = "sqlite";
  entry.subject = "default";
  entry.actor_type = "user";
  entry.payload = to_json(golden());
  std::string line;
  REQUIRE(core::append_json(line, entry).ok());
  CHECK(line ==
        R"({"version":2,"payload_id":"9cc2a55a30b8d300684a672c595b6eee",)"
        R"("idempotency_key":"idem-1","status":"PENDING","timestamp":"2026-01-01T00:00:00Z",)"
        R"("source":"default","destination":"sqlite","subject":"default","actor_type":"user",)"
        R"("actor_id":"","payload":)" +
            golden_json + "}");
}

TEST_CASE("empty metadata, labels and tier are left out of a payload, labels stand between") {
  auto p = golden();
  p.metadata.clear();
  p.classification_tier.clear();
  CHECK(to_json(p).ends_with(R"("actor_id":""})"));
  p.sensitivity_labels = {"pii", "a<b"};
  p.classification_tier = "internal";
  CHECK(to_json(p).ends_with(R"("actor_id":"","sensitivity_labels":["pii","a\u003cb"],)"
                             R"("classification_tier":"internal"})"));
}

TEST_CASE("metadata keys of a payload are sorted by their bytes and escaped") {
  auto p = golden();
  p.metadata = {{"\xC3\xA9", "e"}, {"a", "x\xFFy"}, {"Z", "z"}, {"<k>", "\n"}};
  CHECK(
      to_json(p).find(
          "\"metadata\":{\"\\u003ck\\u003e\":\"\\n\",\"Z\":\"z\",\"a\":\"x\\ufffdy\",\"\xC3\xA9\":"
          "\"e\"}") != std::string::npos);
}
