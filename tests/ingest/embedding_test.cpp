// Step 17 of a write: the embedding.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

const std::string some_body = R"({"message":{"content":"some text"}})";

struct embedding_house : fake_house {
  embedding_house() { embeds = true; }
  const std::string& payload() const { return appends.back().entry->payload; }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a write waits for its embedding, which stands between actor and metadata") {
  embedding_house house;
  const auto answer = house.post(R"({"message":{"content":"some text"},"z":1})");
  REQUIRE(house.embeddings.size() == 1);
  CHECK(house.embeddings[0].first == "some text");
  CHECK_FALSE(answer->done());
  CHECK(house.appends.empty());
  house.embeddings[0].second({0.1F, -1.0F, 1e-7F});
  CHECK(answer->status() == 200);
  CHECK(holds(house.payload(), R"("actor_id":"","embedding":[0.1,-1,1e-7],"metadata":{"z":"1"})"));
}

TEST_CASE("without an embedding the entry is written all the same") {
  embedding_house house;
  const auto answer = house.post(some_body);
  house.embeddings.at(0).second({});
  CHECK(answer->status() == 200);
  CHECK_FALSE(holds(house.payload(), "embedding"));
}

TEST_CASE("blank content is not asked about") {
  embedding_house house;
  for (const auto* body : {"{}", R"({"message":{"content":" \n "}})"})
    CHECK(house.post(body)->status() == 200);
  CHECK(house.embeddings.empty());
}

TEST_CASE("a request that is refused is not asked about") {
  embedding_house house;
  CHECK(house.post(some_body, {{"X-Actor-Type", "nobody"}})->status() == 400);
  CHECK(house.embeddings.empty());
}

TEST_CASE("one that waits for its embedding holds up no other, and its key is taken meanwhile") {
  embedding_house house;
  house.source().idempotency_enabled = true;
  const auto first = house.post(some_body, {{"Idempotency-Key", "k"}});
  const auto again = house.post(some_body, {{"Idempotency-Key", "k"}});
  const auto other = house.post(some_body, {{"Idempotency-Key", "l"}});
  REQUIRE(house.embeddings.size() == 2);
  house.embeddings[1].second({});
  CHECK(other->status() == 200);
  CHECK_FALSE(first->done());
  CHECK_FALSE(again->done());
  house.embeddings[0].second({});
  CHECK(first->status() == 200);
  CHECK(again->body() == first->body());
  CHECK(house.appends.size() == 2);
}
