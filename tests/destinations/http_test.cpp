// What the HTTP destination sends, against a real server.
#include "destinations/http.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/timestamp.hpp"
#include "tests/destinations/http_support.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::destinations;
using namespace nexus::test;

namespace {

std::set<std::int64_t> connections_of(const received& all) {
  std::set<std::int64_t> ports;
  for (const auto& request : all.requests) ports.insert(request.connection);
  return ports;
}

std::vector<core::entry_ptr> entries(std::size_t count, const std::string& words = {}) {
  std::vector<core::entry_ptr> batch;
  for (std::size_t i = 0; i < count; ++i) {
    batch.push_back(entry_that("id" + std::to_string(i), words));
  }
  return batch;
}

bool all_delivered(const std::vector<outcome>& outcomes) {
  return std::all_of(outcomes.begin(), outcomes.end(),
                     [](const outcome& each) { return each.kind == outcome_kind::delivered; });
}

}  // namespace

TEST_CASE("an entry is one request with its payload, its id and the configured headers") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url() + "/hook/{source}/{subject}?id={payload_id}";
  options.api_key = "key-1";
  options.headers = {{"X-Team", "blue"}};
  const auto to = made(options);
  const std::string payload = R"({"text":"é \u003c","n":1.0})";
  REQUIRE(deliver_one(*to, entry_with("id 1", payload)).kind == outcome_kind::delivered);

  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  const auto& request = all.requests[0];
  CHECK(request.method == "POST");
  CHECK(request.path == "/hook/src/ann?id=id%201");
  CHECK(request.body == payload);
  auto headers = request.headers;
  CHECK(headers["content-type"] == "application/json");
  CHECK(headers["idempotency-key"] == "id 1");
  CHECK(headers["webhook-id"] == "id 1");
  CHECK(headers["authorization"] == "Bearer key-1");
  CHECK(headers["x-team"] == "blue");
  CHECK(headers["user-agent"].starts_with("nexus/"));
  CHECK(headers["content-length"] == std::to_string(payload.size()));
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(core::now().time_since_epoch());
  const std::int64_t sent = std::stoll(headers["webhook-timestamp"]);
  CHECK(sent <= now.count());
  CHECK(sent > now.count() - 600);
  // Host, Accept and those above, each once; no Expect, no webhook-signature.
  CHECK(request.header_count == 10);
  CHECK(headers.size() == 10);
}

TEST_CASE("PUT is sent where it is asked for") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url() + "/things/{payload_id}";
  options.method = "PUT";
  const auto to = made(options);
  REQUIRE(deliver_one(*to, entry_that("a")).kind == outcome_kind::delivered);
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  CHECK(all.requests[0].method == "PUT");
  CHECK(all.requests[0].path == "/things/a");
  CHECK(all.requests[0].body == R"({"do":""})");
}

TEST_CASE("with body = entry the payload comes with the entry's own fields") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url();
  options.body = http_options::content::entry;
  const auto to = made(options);
  core::entry entry = *entry_with("a", R"({"x":1.0})");
  entry.subject = "\"ann\"";
  entry.actor_type = "user";
  entry.actor_id = "u1";
  entry.timestamp = "2026-01-02T03:04:05Z";
  entry.idempotency_key = "key";
  REQUIRE(deliver_one(*to, std::make_shared<core::entry>(entry)).kind == outcome_kind::delivered);
  CHECK(receiver.take().requests.at(0).body ==
        R"({"payload_id":"a","source":"src","destination":"hook","subject":"\"ann\"",)"
        R"("actor_type":"user","actor_id":"u1","timestamp":"2026-01-02T03:04:05Z",)"
        R"("idempotency_key":"key","payload":{"x":1.0}})");
}

TEST_CASE("a receiver verifies the signature of every request with any of the secrets") {
  http_receiver::options how;
  how.secrets = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a-raw-secret", "unknown"};
  http_receiver receiver(how);
  http_options options;
  options.url = receiver.url();
  options.signing_secret = how.secrets[0] + " " + how.secrets[1];
  for (const auto body : {http_options::content::payload, http_options::content::entry}) {
    options.body = body;
    const auto to = made(options);
    CHECK(all_delivered(to->deliver(entries(3))));
    CHECK(to->ping().ok());
  }
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 8);
  for (const auto& request : all.requests) {
    CHECK(request.signed_with == std::vector<std::size_t>{0, 1});
  }
}

TEST_CASE("as many requests as configured are under way at once") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url();
  options.concurrency = 5;
  const auto to = made(options);
  // The receiver answers none before five are there.
  CHECK(all_delivered(to->deliver(entries(20, "together=5"))));
  const auto all = receiver.take();
  CHECK(all.requests.size() == 20);
  CHECK(all.together == 5);
  CHECK(connections_of(all).size() == 5);
}

TEST_CASE("a connection is used again in the next batch") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url();
  options.concurrency = 1;
  const auto to = made(options);
  for (int i = 0; i < 3; ++i) CHECK(all_delivered(to->deliver(entries(4))));
  CHECK(to->ping().ok());
  const auto all = receiver.take();
  CHECK(all.requests.size() == 13);
  CHECK(connections_of(all).size() == 1);
}

TEST_CASE("a connection that the server has closed meanwhile is replaced, and nothing is lost") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  for (int i = 0; i < 5; ++i) {
    CHECK(deliver_one(*to, entry_that("a", "close")).kind == outcome_kind::delivered);
  }
  const auto all = receiver.take();
  CHECK(all.requests.size() == 5);
  CHECK(connections_of(all).size() == 5);
}

TEST_CASE("five hundred entries go in one batch, each once") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  const auto outcomes = to->deliver(entries(500));
  CHECK(outcomes.size() == 500);
  CHECK(all_delivered(outcomes));
  const auto all = receiver.take();
  std::set<std::string> ids;
  for (const auto& request : all.requests) ids.insert(request.headers.at("webhook-id"));
  CHECK(all.requests.size() == 500);
  CHECK(ids.size() == 500);
  CHECK(connections_of(all).size() <= 8);
}

TEST_CASE("a payload of three megabytes arrives whole") {
  http_receiver receiver;
  const auto to = made_for(receiver.url());
  const std::string payload = "{\"text\":\"" + std::string(3 << 20, 'x') + "\"}";
  CHECK(deliver_one(*to, entry_with("a", payload)).kind == outcome_kind::delivered);
  CHECK(receiver.take().requests.at(0).body == payload);
}

TEST_CASE("an empty batch sends nothing") {
  http_receiver receiver;
  CHECK(made_for(receiver.url())->deliver({}).empty());
  CHECK(receiver.take().requests.empty());
}

TEST_CASE("a ping asks with OPTIONS, the credentials and no body") {
  http_receiver receiver;
  http_options options;
  options.url = receiver.url() + "/hook/{subject}";
  options.api_key = "key-1";
  CHECK(made(options)->ping().ok());
  const auto all = receiver.take();
  REQUIRE(all.requests.size() == 1);
  CHECK(all.requests[0].method == "OPTIONS");
  CHECK(all.requests[0].path == "/hook/ping");
  CHECK(all.requests[0].body.empty());
  CHECK(all.requests[0].headers.at("authorization") == "Bearer key-1");
}

TEST_CASE("a ping is content with an answer that only refuses its method") {
  http_receiver receiver;
  for (const std::string fine : {"204", "400", "403", "404", "405", "500", "501"}) {
    INFO(fine);
    CHECK(made_for(receiver.url_to("status=" + fine))->ping().ok());
  }
  for (const std::string wrong : {"301", "308", "401", "407"}) {
    INFO(wrong);
    const auto pinged = made_for(receiver.url_to("status=" + wrong))->ping();
    REQUIRE_FALSE(pinged.ok());
    CHECK(pinged.reason().code == core::errc::bad_config);
  }
  for (const std::string down : {"429", "502", "503", "504"}) {
    INFO(down);
    const auto pinged = made_for(receiver.url_to("status=" + down))->ping();
    REQUIRE_FALSE(pinged.ok());
    CHECK(pinged.reason().code == core::errc::unreachable);
  }
}

TEST_CASE("whether an entry is there cannot be asked of a plain receiver") {
  http_receiver receiver;
  const std::vector<std::string> ids{"a"};
  const auto found = made_for(receiver.url())->exists(ids);
  REQUIRE_FALSE(found.ok());
  CHECK(found.reason().code == core::errc::unsupported);
}
