// POST /v1/memories on the door (section 3.6 of the v0.1.2 behaviour).
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

std::shared_ptr<test::reply> remember(fake_house& house, const std::string& body,
                                      http::header_list headers = {},
                                      const std::string& who = "default") {
  headers.emplace_back("Authorization", "Bearer key-of-" + who);
  return house.send(fake_house::make_request("POST", "/v1/memories", std::move(headers), body));
}

const std::string two =
    R"({"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"hi"}]})";

std::string payload(const fake_house& house, std::size_t index) {
  return house.batches.back().writes.at(index).at(0)->payload;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each message becomes a payload of its own, without mapping, tier, labels or actor id") {
  fake_house house;
  house.source().default_actor_id = "bot";
  house.source().default_actor_type = "agent";
  const auto answer =
      remember(house,
               R"({"Messages":[{"ROLE":"user","content":"hello","x":1},{"content":""},null,)"
               R"({"role":"assistant","content":"hi"}],"collection":"c","more":[]})",
               {{"X-Subject", "bob"}, {"X-Sensitivity-Labels", "pii"}, {"X-Actor-Type", "robot"}});
  REQUIRE(house.batches.size() == 1);
  const auto& writes = house.batches[0].writes;
  REQUIRE(writes.size() == 2);
  const auto& first = *writes[0][0];
  CHECK(answer->body() == "{\"payload_ids\":[\"" + first.payload_id + "\",\"" +
                              writes[1][0]->payload_id + "\"],\"status\":\"accepted\"}\n");
  CHECK(first.subject == "bob");
  CHECK(first.actor_type == "agent");
  CHECK(first.idempotency_key.empty());
  const auto start = first.payload.find(R"("request_id":")") + 14;
  const auto request_id = first.payload.substr(start, 32);
  CHECK(request_id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK_FALSE(has(payload(house, 1), request_id));
  CHECK(has(
      first.payload,
      R"(,"source":"default","subject":"bob","namespace":"default-space",)"
      R"("destination":"sqlite","collection":"c","content":"hello","model":"","role":"user",)"));
  CHECK(has(first.payload, R"("actor_type":"agent","actor_id":""})"));
}

TEST_CASE("the subject is the body's, else the header's, else the source's namespace") {
  fake_house house;
  const std::string body = R"({"messages":[{"content":"x"}],"subject":"body's"})";
  remember(house, body, {{"X-Subject", "header's"}});
  CHECK(has(payload(house, 0), R"("subject":"body's")"));
  remember(house, two, {{"X-Subject", "header's"}});
  CHECK(has(payload(house, 0), R"("subject":"header's")"));
  remember(house, two);
  CHECK(has(payload(house, 0), R"("subject":"default-space")"));
}

TEST_CASE("messages without content are passed over, and if none has some nothing is written") {
  fake_house house;
  const auto answer = remember(house, R"({"messages":[{"role":"user"},{"content":null},{}]})");
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "{\"payload_ids\":[],\"status\":\"accepted\"}\n");
  CHECK(house.batches.empty());
}

TEST_CASE("the checks of /v1/memories come in the reference's order") {
  fake_house house;
  house.settings.sources.push_back(test::make_source("reader"));
  house.settings.sources.back().can_write = false;
  house.settings.sources.push_back(test::make_source("denied"));
  house.settings.sources.back().policy.allowed_destinations = {"elsewhere"};
  house.source().payload_bytes_max = 100;
  CHECK(remember(house, two, {}, "admin")->says("wrong_token_class"));
  CHECK(remember(house, two, {{"Content-Type", "text/plain"}}, "reader")
            ->says("source_not_permitted_to_write"));
  CHECK(remember(house, two, {{"Content-Type", "text/plain"}}, "denied")
            ->says("unsupported_media_type"));
  for (const std::string body :
       {"", "nope", "[]", "7", R"({"messages":7})", R"({"messages":[7]})",
        R"({"messages":[{"content":7}]})", R"({"messages":[{"content":["x"]}]})",
        R"({"messages":[{"role":{},"content":"x"}]})", R"({"subject":7,"messages":[]})"}) {
    CAPTURE(body);
    const auto answer = remember(house, body, {}, "denied");
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_json"));
  }
  for (const std::string body : {"{}", "null", R"({"messages":[]})", R"({"messages":null})"}) {
    CAPTURE(body);
    CHECK(remember(house, body, {}, "denied")->says("invalid_request"));
  }
  CHECK(remember(house, two, {}, "denied")->says("policy_denied"));
  const auto large =
      remember(house, R"({"messages":[{"content":")" + std::string(200, 'x') + R"("}]})");
  CHECK(large->status() == 413);
  CHECK(large->says("payload_too_large"));
  CHECK(house.batches.empty());
}

TEST_CASE("each message counts for the rate limit, and above it none is written") {
  fake_house house;
  house.source().requests_per_minute = 3;
  CHECK(remember(house, two)->status() == 200);
  const auto answer = remember(house, two);
  CHECK(answer->status() == 429);
  CHECK(answer->says("rate_limit_exceeded"));
  CHECK(answer->header("Retry-After") == "60");
  CHECK(house.batches.size() == 1);
}

TEST_CASE("messages that the log has no room for are refused together") {
  fake_house house;
  house.append_outcome = core::error{core::errc::overloaded, "full"};
  const auto answer = remember(house, two);
  CHECK(answer->status() == 429);
  CHECK(answer->says("queue_full"));
}

TEST_CASE("if one of several messages might be too large for the log none is written") {
  fake_house house;
  const auto with_message = [](const std::string& more) {
    return R"({"messages":[)" + more + R"({"content":")" + std::string(2'000'000, '<') + R"("}]})";
  };
  const auto answer = remember(house, with_message(R"({"content":"hi"},)"));
  CHECK(answer->status() == 413);
  CHECK(answer->says("payload_too_large"));
  CHECK(house.batches.empty());
  // The log decides about one that is alone.
  CHECK(remember(house, with_message(""))->status() == 200);
  CHECK(house.batches.size() == 1);
}

TEST_CASE("a source that waits for deliveries hears whether all messages have been delivered") {
  fake_house house;
  house.source().ack = config::ack_level::delivered;
  house.append_later = true;
  const auto second = GENERATE(core::delivery_state::delivered, core::delivery_state::pending,
                               core::delivery_state::failed);
  const auto answer = remember(house, two);
  auto& batch = house.batches.at(0);
  REQUIRE(batch.wanted.size() == 2);
  batch.done({{}, {}});
  batch.wanted[0].done({{"sqlite", core::delivery_state::delivered}});
  CHECK_FALSE(answer->done());
  batch.wanted[1].done({{"sqlite", second}});
  const bool delivered = second == core::delivery_state::delivered;
  CHECK(answer->status() == (delivered ? 200 : 202));
  CHECK(has(answer->body(), batch.writes[1][0]->payload_id));
  CHECK(has(answer->body(), delivered ? R"("status":"delivered")" : R"("status":"durable")"));
}

TEST_CASE("messages that come again with their key are answered with the first ids") {
  fake_house house;
  const http::header_list key{{"X-Idempotency-Key", "k"}};
  SECTION("where the source deduplicates") {
    house.source().idempotency_enabled = true;
    const auto first = remember(house, two, key);
    CHECK(house.batches[0].writes[1][0]->idempotency_key == "k#message-1");
    CHECK(remember(house, two, key)->body() == first->body());
    CHECK(house.batches.size() == 1);
  }
  SECTION("else they are new messages") {
    remember(house, two, key);
    remember(house, two, key);
    CHECK(house.batches.size() == 2);
    CHECK(house.batches[0].writes[1][0]->idempotency_key.empty());
    CHECK(has(payload(house, 1), R"("idempotency_key":"k#message-1")"));
  }
}

TEST_CASE("a strict source compares what a body says of all messages, too") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.source().strict_idempotency = true;
  const auto send = [&house](const std::string& members) {
    return remember(house, R"({"messages":[{"role":"user","content":"hello"}])" + members + "}",
                    {{"Idempotency-Key", "k"}});
  };
  const auto first = send(R"(,"subject":"alice","collection":"chats")");
  REQUIRE(first->status() == 200);
  CHECK(send(R"(,"collection":"chats","Subject":"alice","more":1)")->body() == first->body());
  for (const std::string other :
       {R"(,"subject":"bob","collection":"chats")", R"(,"subject":"alice","collection":"mail")",
        R"(,"subject":"alicechats")", ""}) {
    INFO(other);
    CHECK(send(other)->says("idempotency_mismatch"));
  }
  CHECK(house.batches.size() == 1);
}

TEST_CASE("there is a limit for the copies of the subject and the collection in all messages") {
  fake_house house;
  house.settings.limits.max_batch_bytes = 3'000;
  house.settings.limits.max_batch_entries = 5;
  const std::string name = GENERATE("subject", "collection", "unknown");
  const auto with_messages = [&](const std::string& messages) {
    return remember(house, R"({"messages":[)" + messages + R"(],")" + name + R"(":")" +
                               std::string(1'200, 'x') + R"("})");
  };
  const std::string one = R"({"content":"a"})";
  CHECK(with_messages(one + ",{}," + one)->status() == 200);
  const auto more = with_messages(one + "," + one + "," + one);
  CHECK(more->status() == (name == "unknown" ? 200 : 413));
  if (name != "unknown") CHECK(more->says("batch_too_large"));
  CHECK(with_messages("{},null,{},{},{},{}," + one)->status() == 200);
  CHECK(with_messages(one + "," + one + "," + one + "," + one + "," + one + "," + one)
            ->says("batch_too_large"));
}
