#include "ingest/preview.hpp"

#include <memory>
#include <string>

#include "core/json_text.hpp"
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;

namespace {

struct previewer {
  config::config settings = test::fake_house().settings;
  config::source_config& source() { return settings.sources.front(); }

  ingest::write_preview send(const std::string& body, http::header_list headers = {}) const {
    const auto shared = std::make_shared<const config::config>(settings);
    return ingest::preview_write(shared, shared->sources.front(), std::move(headers), body);
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A preview of a write holds the entry for each destination") {
  previewer house;
  house.source().target_destinations = {"sqlite", "archive"};
  const auto got = house.send(R"({"message":{"content":"hi","role":"user"},"extra":1})",
                              {{"X-Subject", "alice"}, {"X-Actor-ID", "a1"}});
  CHECK(got.status == 200);
  CHECK(got.error.empty());
  REQUIRE(got.entries.size() == 2);
  CHECK(got.entries[0]->destination == "sqlite");
  CHECK(got.entries[1]->destination == "archive");
  CHECK(got.entries[0]->subject == "alice");
  CHECK(holds(got.entries[0]->payload, R"("content":"hi")"));
  CHECK(holds(got.entries[0]->payload, R"("role":"user")"));
  CHECK(holds(got.entries[0]->payload, R"("actor_id":"a1")"));
  CHECK(holds(got.entries[0]->payload, R"("metadata":{"extra":"1"})"));
}

TEST_CASE("A preview of a write is refused by the checks that refuse a write") {
  previewer house;
  const auto error = [&](const std::string& body, http::header_list headers = {}) {
    const auto got = house.send(body, std::move(headers));
    CHECK(got.entries.empty());
    return std::to_string(got.status) + " " + got.error;
  };
  CHECK(error("{") == "400 invalid_json");
  CHECK(error("{}", {{"X-Actor-Type", "robot"}}) == "400 invalid_actor_type");
  CHECK(error("{}", {{"X-Classification-Tier", "cosmic"}}) == "400 invalid_classification_tier");
  CHECK(error("{}", {{"Content-Type", "text/plain"}}) == "415 unsupported_media_type");
  CHECK(error("{}", {{"Authorization", "Bearer wrong"}}) == "401 unauthorized");
  house.source().payload_bytes_max = 10;
  CHECK(error(R"({"a":"0123456789"})") == "413 payload_too_large");
  CHECK(house.send(R"({"a":"01"})").status == 200);
  house.source().policy.allowed_destinations = {"archive"};
  CHECK(error("{}") == "403 policy_denied");
  house.source().can_write = false;
  const auto got = house.send("{}");
  CHECK(got.error == "source_not_permitted_to_write");
  CHECK(got.message == "this source may not write");
}

TEST_CASE("A preview remembers nothing of the one before, and waits for no delivery") {
  previewer house;
  house.source().idempotency_enabled = true;
  house.source().requests_per_minute = 1;
  house.source().ack = config::ack_level::delivered;
  for (int i = 0; i < 3; ++i) {
    const auto got = house.send("{}", {{"Idempotency-Key", "same"}});
    CHECK(got.status == 200);
    CHECK(got.entries.size() == 1);
  }
}

TEST_CASE("A preview works for a source without a name that needs no escapes") {
  previewer house;
  house.source().name = "chat room";
  CHECK(house.send("{}").status == 200);
}

TEST_CASE("A preview fetches no keys for JSON Web Tokens") {
  previewer house;
  house.settings.jwt.enabled = true;
  house.settings.jwt.jwks_url = "https://keys.example/jwks";
  CHECK(house.send("{}").status == 200);
  CHECK(house.send("{}", {{"Authorization", "Bearer a.b.c"}}).error == "unauthorized");
}
