// POST /inbound/{source}/batch on the door.
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;
using test::fake_house;

namespace {

std::shared_ptr<test::reply> send_batch(fake_house& house, const std::string& body,
                                        http::header_list headers = {},
                                        const std::string& source = "default") {
  headers.emplace_back("Authorization", "Bearer key-of-default");
  return house.send(
      fake_house::make_request("POST", "/inbound/" + source + "/batch", std::move(headers), body));
}

std::string line(const std::string& content) {
  return R"({"message":{"content":")" + content + R"("}})";
}

const core::entry& written(const fake_house& house, std::size_t batch, std::size_t item) {
  return *house.batches.at(batch).writes.at(item).at(0);
}

std::string result_of(const core::entry& entry, std::size_t index) {
  return "{\"index\":" + std::to_string(index) + ",\"status\":200,\"payload_id\":\"" +
         entry.payload_id + "\"}";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each line of a batch becomes a payload, in one commit, and has its result") {
  fake_house house;
  house.source().target_destinations = {"sqlite", "archive"};
  const auto answer = send_batch(house, line("a") + "\n\r\n  " + line("b") + "\r\n" + "[1]",
                                 {{"Content-Type", "application/x-ndjson; charset=utf-8"},
                                  {"X-Subject", "alice"},
                                  {"X-Request-Id", "r1"}});
  REQUIRE(house.batches.size() == 1);
  REQUIRE(house.batches[0].writes.size() == 3);
  CHECK(answer->status() == 200);
  CHECK(answer->body() == "{\"results\":[" + result_of(written(house, 0, 0), 0) + "," +
                              result_of(written(house, 0, 1), 1) + "," +
                              result_of(written(house, 0, 2), 2) +
                              "],\"accepted\":3,\"failed\":0,\"status\":\"accepted\"}\n");
  const auto& second = house.batches[0].writes[1];
  REQUIRE(second.size() == 2);
  CHECK(second[0]->destination == "sqlite");
  CHECK(second[1]->destination == "archive");
  CHECK(second[0]->payload_id == second[1]->payload_id);
  CHECK(second[0]->subject == "alice");
  CHECK(has(second[0]->payload, R"("request_id":"r1")"));
  CHECK(has(second[0]->payload, R"("content":"b")"));
  CHECK(has(written(house, 0, 2).payload, R"("metadata":{"0":"1"})"));
  CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 3);
}

TEST_CASE("a batch may be an array, and without a type its first byte says what it is") {
  fake_house house;
  const std::string array = " [" + line("a") + " , " + line("b") + ",7]\n";
  for (const std::string type : {"application/json", ""}) {
    const auto answer = send_batch(house, array, {{"Content-Type", type}});
    CHECK(answer->status() == 200);
    CHECK(has(answer->body(), "\"accepted\":3"));
  }
  for (const std::string type :
       {"", "application/jsonl", "application/jsonlines", "Application/X-NDJSON"})
    CHECK(has(send_batch(house, line("a") + "\n" + line("b"), {{"Content-Type", type}})->body(),
              "\"accepted\":2"));
  CHECK(has(written(house, 0, 1).payload, R"("content":"b")"));
  CHECK(send_batch(house, line("a"), {{"Content-Type", "application/json"}})->says("invalid_json"));
  CHECK(send_batch(house, "[1,]")->says("invalid_json"));
  const auto text = send_batch(house, line("a"), {{"Content-Type", "text/plain"}});
  CHECK(text->status() == 415);
  CHECK(text->refused_early);
}

TEST_CASE("a bad line is refused alone") {
  fake_house house;
  house.source().payload_bytes_max = 40;
  const auto answer =
      send_batch(house, line("a") + "\nnope\n" + line(std::string(50, 'x')) + "\n" + line("b"));
  CHECK(answer->status() == 207);
  REQUIRE(house.batches.size() == 1);
  REQUIRE(house.batches[0].writes.size() == 2);
  CHECK(has(answer->body(), result_of(written(house, 0, 0), 0)));
  CHECK(has(answer->body(), R"({"index":1,"status":400,"error":"invalid_json","message":")"));
  CHECK(has(answer->body(), R"({"index":2,"status":413,"error":"payload_too_large","message":")"));
  CHECK(has(answer->body(), result_of(written(house, 0, 1), 3)));
  CHECK(has(answer->body(), R"("accepted":2,"failed":2,"status":"partial")"));
}

TEST_CASE(
    "a batch of which nothing is taken is answered with the reason if that is one, else 207") {
  fake_house house;
  const auto alike = send_batch(house, "nope\n{\n");
  CHECK(alike->status() == 400);
  CHECK(alike->says("invalid_json"));
  fake_house small;
  small.source().payload_bytes_max = 10;
  const auto mixed = send_batch(small, "nope\n" + line("a"));
  CHECK(mixed->status() == 207);
  CHECK(has(mixed->body(), R"("accepted":0,"failed":2,"status":"failed")"));
  CHECK(small.batches.empty());
}

TEST_CASE("an empty batch is refused") {
  fake_house house;
  for (const std::string body : {"", "\n \n", "[]", " [ ] "}) {
    CAPTURE(body);
    const auto answer = send_batch(house, body);
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_request"));
  }
  CHECK(house.batches.empty());
}

TEST_CASE("a batch has at most as many entries and bytes as the limits say") {
  fake_house house;
  house.settings.limits.max_batch_entries = 3;
  house.settings.limits.max_batch_bytes = 100;
  CHECK(send_batch(house, "1\n2\n3\n")->status() == 200);
  CHECK(send_batch(house, "[1,2,3]")->status() == 200);
  for (const std::string body : {"1\n2\n3\n4", "[1,2,3,4]"}) {
    const auto answer = send_batch(house, body);
    CHECK(answer->status() == 413);
    CHECK(answer->says("batch_too_large"));
  }
  CHECK(send_batch(house, "1\n\"" + std::string(96, 'x') + "\"")->status() == 200);
  const auto cut = send_batch(house, "1\n\"" + std::string(97, 'x') + "\"");
  CHECK(cut->body_bytes_max == 100);
  CHECK(cut->status() == 413);
  CHECK(cut->says("payload_too_large"));
  CHECK(cut->sent->close);
  const auto bomb =
      send_batch(house, test::gzip(std::string(101, '\n')), {{"Content-Encoding", "gzip"}});
  CHECK(bomb->status() == 413);
  CHECK(house.batches.size() == 3);
}

TEST_CASE("the headers of a batch are checked as those of a single write") {
  fake_house house;
  house.settings.sources.push_back(test::make_source("reader"));
  house.settings.sources.back().can_write = false;
  const auto post = [&](const std::string& path, const std::string& who) {
    return house.send(fake_house::make_request("POST", "/inbound/" + path + "/batch",
                                               {{"Authorization", "Bearer key-of-" + who}}, "1"));
  };
  CHECK(post("default", "nobody")->says("unauthorized"));
  CHECK(post("default", "admin")->says("wrong_token_class"));
  CHECK(post("reader", "reader")->says("source_not_permitted_to_write"));
  CHECK(post("other", "default")->says("source_mismatch"));
  CHECK(send_batch(house, "1", {{"X-Actor-Type", "robot"}})->says("invalid_actor_type"));
  fake_house denied;
  denied.source().policy.allowed_operations = {"read"};
  CHECK(send_batch(denied, "1")->says("policy_denied"));
  CHECK(house.batches.empty());
}

TEST_CASE("a batch counts as one request for the rate limit") {
  fake_house house;
  house.source().requests_per_minute = 2;
  CHECK(send_batch(house, "1\n2\n3\n4\n5")->status() == 200);
  CHECK(send_batch(house, "1\n2\n3\n4\n5")->status() == 200);
  const auto answer = send_batch(house, "1\n2\n3");
  CHECK(answer->status() == 429);
  CHECK(answer->says("rate_limit_exceeded"));
  CHECK(answer->header("Retry-After") == "60");
  CHECK(house.batches.size() == 2);
}

TEST_CASE("a batch that the log has no room for is refused whole") {
  fake_house house;
  house.append_outcome = core::error{core::errc::overloaded, "full"};
  const auto full = send_batch(house, "1\n2");
  CHECK(full->status() == 429);
  CHECK(full->says("queue_full"));
  CHECK(full->header("Retry-After") == "5");
  house.append_outcome = core::error{core::errc::io_failed, "disk"};
  CHECK(send_batch(house, "1\n2")->status() == 500);
  CHECK(house.log->count(core::log_level::error) == 1);
}

TEST_CASE("what the log refuses of a batch is refused alone") {
  fake_house house;
  house.refused_writes = {1};
  SECTION("among good ones") {
    const auto answer = send_batch(house, "1\n2\n3");
    CHECK(answer->status() == 207);
    CHECK(has(answer->body(), R"({"index":1,"status":413,"error":"payload_too_large")"));
    CHECK(has(answer->body(), R"("accepted":2,"failed":1)"));
    CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 2);
  }
  SECTION("behind one that the log has not seen") {
    const auto answer = send_batch(house, "no JSON\n2\n3\n4");
    CHECK(has(answer->body(), R"({"index":0,"status":400,"error":"invalid_json")"));
    CHECK(has(answer->body(), R"({"index":1,"status":200,)"));
    CHECK(has(answer->body(), R"({"index":2,"status":413,"error":"payload_too_large")"));
    CHECK(has(answer->body(), R"({"index":3,"status":200,)"));
  }
}

TEST_CASE("a batch that comes again with its key is answered with the ids of the first one") {
  fake_house house;
  house.source().idempotency_enabled = true;
  const http::header_list key{{"Idempotency-Key", "k"}};
  const auto first = send_batch(house, "1\n2\n3", key);
  CHECK(written(house, 0, 1).idempotency_key == "k#item-1");
  CHECK(has(written(house, 0, 1).payload, R"("idempotency_key":"k#item-1")"));
  const auto again = send_batch(house, "1\n2\n3", key);
  CHECK(again->body() == first->body());
  CHECK(house.batches.size() == 1);
  // What failed is tried again, what is new is written.
  const auto longer = send_batch(house, "1\n2\n3\n4", key);
  CHECK(longer->status() == 200);
  REQUIRE(house.batches.size() == 2);
  CHECK(house.batches[1].writes.size() == 1);
}

TEST_CASE("what of a batch was refused is written when the batch comes again") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.refused_writes = {1};
  const http::header_list key{{"Idempotency-Key", "k"}};
  CHECK(send_batch(house, "1\n2\n3", key)->status() == 207);
  house.refused_writes = {};
  CHECK(send_batch(house, "1\n2\n3", key)->status() == 200);
  REQUIRE(house.batches.size() == 2);
  REQUIRE(house.batches[1].writes.size() == 1);
  CHECK(written(house, 1, 0).idempotency_key == "k#item-1");
}

TEST_CASE("two batches with one key at a time are written once, whatever becomes of the first") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.append_later = true;
  const http::header_list key{{"Idempotency-Key", "k"}};
  const auto first = send_batch(house, "1\n2", key);
  const auto second = send_batch(house, "1\n2\n3", key);
  REQUIRE(house.batches.size() == 1);
  SECTION("it is written") {
    house.batches[0].done({{}, {}});
    REQUIRE(first->status() == 200);
    REQUIRE(house.batches.size() == 2);
    CHECK(house.batches[1].writes.size() == 1);
    house.batches[1].done({{}});
    CHECK(has(second->body(), written(house, 0, 0).payload_id));
    CHECK(has(second->body(), written(house, 0, 1).payload_id));
  }
  SECTION("it fails") {
    house.batches[0].done(
        std::vector<core::result<void>>(2, core::error{core::errc::overloaded, "full"}));
    CHECK(first->status() == 429);
    REQUIRE(house.batches.size() == 2);
    CHECK(house.batches[1].writes.size() == 3);
    house.batches[1].done({{}, {}, {}});
  }
  CHECK(second->status() == 200);
  CHECK(first->answers == 1);
  CHECK(second->answers == 1);
}

TEST_CASE("a source that waits for deliveries has each item of a batch say how far it has come") {
  fake_house house;
  house.source().ack = config::ack_level::delivered;
  house.append_later = true;
  const auto answer = send_batch(house, "1\nnope\n2");
  REQUIRE(house.batches.size() == 1);
  auto& batch = house.batches[0];
  REQUIRE(batch.wanted.size() == 2);
  batch.done({{}, {}});
  CHECK_FALSE(answer->done());
  batch.wanted[0].done({{"sqlite", core::delivery_state::delivered}});
  CHECK_FALSE(answer->done());
  batch.wanted[1].done({{"sqlite", core::delivery_state::pending}});
  CHECK(answer->status() == 207);
  CHECK(has(answer->body(), result_of(*batch.writes[0][0], 0)));
  CHECK(has(answer->body(),
            "{\"index\":2,\"status\":202,\"payload_id\":\"" + batch.writes[1][0]->payload_id));
}

TEST_CASE("an item without content is refused where the source requires some") {
  fake_house house;
  house.source().require_content = true;
  const auto answer = send_batch(house, line("a") + "\n{}\n");
  CHECK(answer->status() == 207);
  CHECK(has(answer->body(), R"({"index":1,"status":422,"error":"empty_content")"));
}

// Every entry has a copy of what the headers say.
TEST_CASE("a batch with long headers may have fewer entries") {
  const std::string name = GENERATE("Idempotency-Key", "X-Idempotency-Key", "X-Request-Id",
                                    "X-Subject", "X-Actor-ID", "X-Sensitivity-Labels");
  CAPTURE(name);
  fake_house house;
  house.settings.limits.max_batch_bytes = 3'000;
  const http::header_list header{{name, std::string(1'000, 'x')}};
  CHECK(send_batch(house, "1\n2\n3", header)->status() == 200);
  CHECK(send_batch(house, "1\n2\n3\n4")->status() == 200);
  for (const std::string body : {"1\n2\n3\n4", "[1,2,3,4]"}) {
    const auto answer = send_batch(house, body, header);
    CHECK(answer->status() == 413);
    CHECK(answer->says("batch_too_large"));
  }
  CHECK(send_batch(house, "1", {{name, std::string(4'000, 'x')}})->status() == 200);
  CHECK(house.batches.size() == 3);
}
