#include "ingest/payload.hpp"

#include "core/entry.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::ingest;

namespace {

/// A payload, and what it says like the others of its request.
struct sample {
  payload_origin from;
  payload_text own;
};

sample golden() {
  sample p;
  p.own.payload_id = "9cc2a55a30b8d300684a672c595b6eee";
  p.own.request_id = "req-1";
  p.from.source = "default";
  p.from.subject = "default";
  p.from.name_space = "default";
  p.from.destination = "sqlite";
  p.own.fields.content = "hello";
  p.own.fields.model = "m1";
  p.own.fields.role = "user";
  p.from.timestamp = "2026-01-01T00:00:00Z";
  p.own.idempotency_key = "idem-1";
  p.from.actor_type = "user";
  p.own.fields.metadata = {{"z", "1"}, {"a", "2"}};
  p.from.classification_tier = "public";
  return p;
}

std::string to_json(const sample& p) {
  return payload_writer(p.from).to_json(p.own);
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
  p.own.fields.metadata.clear();
  p.from.classification_tier = "";
  CHECK(to_json(p).ends_with(R"("actor_id":""})"));
  p.from.sensitivity_labels = {"pii", "a<b"};
  p.from.classification_tier = "internal";
  CHECK(to_json(p).ends_with(R"("actor_id":"","sensitivity_labels":["pii","a\u003cb"],)"
                             R"("classification_tier":"internal"})"));
}

TEST_CASE("metadata keys of a payload are sorted by their bytes and escaped") {
  auto p = golden();
  p.own.fields.metadata = {{"\xC3\xA9", "e"}, {"a", "x\xFFy"}, {"Z", "z"}, {"<k>", "\n"}};
  CHECK(
      to_json(p).find(
          "\"metadata\":{\"\\u003ck\\u003e\":\"\\n\",\"Z\":\"z\",\"a\":\"x\\ufffdy\",\"\xC3\xA9\":"
          "\"e\"}") != std::string::npos);
}

TEST_CASE("payloads of one writer say the same of their request, and nothing of one another") {
  const auto first = golden();
  const payload_writer writer(first.from);
  payload_text other;
  other.payload_id = "other";
  other.embedding = {0.5F, -2};
  CHECK(writer.to_json(first.own) == golden_json);
  CHECK(writer.to_json(other) ==
        R"({"payload_id":"other","request_id":"","source":"default","subject":"default",)"
        R"("namespace":"default","destination":"sqlite","collection":"","content":"","model":"",)"
        R"("role":"","timestamp":"2026-01-01T00:00:00Z","idempotency_key":"","schema_version":1,)"
        R"("transform_version":"1.0","actor_type":"user","actor_id":"","embedding":[0.5,-2],)"
        R"("classification_tier":"public"})");
  CHECK(writer.to_json(first.own) == golden_json);
}
