#include <thread>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

const std::string message =
    R"({"message":{"content":"hello","role":"user"},"model":"m1","z":1,"a":"2"})";

std::string accepted(const core::entry& entry) {
  return "{\"payload_id\":\"" + entry.payload_id + "\",\"status\":\"accepted\"}\n";
}

/// The raw text of a member of the first entry's payload.
std::string member(const fake_house& house, const std::string& name) {
  const auto& payload = house.appends.back().entry->payload;
  const std::string key = "\"" + name + "\":\"";
  const auto start = payload.find(key);
  if (start == std::string::npos) return "(none)";
  return payload.substr(start + key.size(),
                        payload.find('"', start + key.size()) - start - key.size());
}

}  // namespace

TEST_CASE("a write becomes an entry with the whole payload, and is accepted") {
  fake_house house;
  const auto answer = house.post(message, {{"Content-Type", "application/json; charset=utf-8"},
                                           {"X-Request-Id", "req-1"},
                                           {"X-Subject", "alice"},
                                           {"X-Actor-ID", "a1"},
                                           {"Idempotency-Key", "idem-1"},
                                           {"X-Sensitivity-Labels", " pii, ,health,"}});
  REQUIRE(house.appends.size() == 1);
  const auto& entry = *house.appends[0].entry;
  CHECK(answer->status() == 200);
  CHECK(answer->sent->content_type == "application/json");
  CHECK(answer->body() == accepted(entry));
  CHECK(entry.payload_id.size() == 32);
  CHECK(entry.payload_id.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(entry.status == "PENDING");
  CHECK(entry.source == "default");
  CHECK(entry.destination == "sqlite");
  CHECK(entry.subject == "alice");
  CHECK(entry.actor_type == "user");
  CHECK(entry.actor_id == "a1");
  CHECK(entry.timestamp == "2026-01-01T00:00:01Z");
  CHECK(entry.payload ==
        R"({"payload_id":")" + entry.payload_id +
            R"(","request_id":"req-1","source":"default","subject":"alice",)"
            R"("namespace":"default-space","destination":"sqlite","collection":"",)"
            R"("content":"hello","model":"m1","role":"user","timestamp":"2026-01-01T00:00:00.5Z",)"
            R"("idempotency_key":"idem-1","schema_version":1,"transform_version":"1.0",)"
            R"("actor_type":"user","actor_id":"a1","metadata":{"a":"2","z":"1"},)"
            R"("sensitivity_labels":["pii","health"],"classification_tier":"public"})");
  CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 1);
}

TEST_CASE("without headers a write takes subject, actor and tier from its source") {
  fake_house house;
  house.source().default_actor_type = "agent";
  house.source().default_actor_id = "bot";
  house.source().default_classification_tier = "internal";
  REQUIRE(house.post("{}", {{"X-Subject", ""}})->status() == 200);
  CHECK(member(house, "subject") == "default-space");
  CHECK(member(house, "actor_type") == "agent");
  CHECK(member(house, "actor_id") == "bot");
  CHECK(member(house, "classification_tier") == "internal");
  CHECK(member(house, "destination") == "sqlite");
}

TEST_CASE("a request without an id gets one, host and counter") {
  fake_house house;
  house.post("{}");
  const std::string first = member(house, "request_id");
  house.post("{}");
  const std::string second = member(house, "request_id");
  CHECK(first.ends_with("-000001"));
  CHECK(second.ends_with("-000002"));
  const auto slash = first.rfind('/');
  REQUIRE(slash != std::string::npos);
  CHECK(slash > 0);
  CHECK(first.size() - slash == 1 + 10 + 7);
  CHECK(first.substr(0, slash + 11) == second.substr(0, slash + 11));
}

TEST_CASE("an actor type must be one of three words in their exact spelling") {
  fake_house house;
  for (const std::string word : {"user", "agent", "system"})
    CHECK(house.post("{}", {{"X-Actor-Type", word}})->status() == 200);
  for (const std::string word : {"User", "robot", " user", "USER"}) {
    const auto answer = house.post("{}", {{"X-Actor-Type", word}});
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_actor_type"));
  }
  CHECK(house.appends.size() == 3);
}

TEST_CASE("a classification tier must be one of those configured") {
  fake_house house;
  CHECK(house.post("{}", {{"X-Classification-Tier", " restricted "}})->status() == 200);
  CHECK(member(house, "classification_tier") == "restricted");
  const auto answer = house.post("{}", {{"X-Classification-Tier", "cosmic"}});
  CHECK(answer->status() == 400);
  CHECK(answer->says("invalid_classification_tier"));
}

TEST_CASE("a body that is not JSON is refused") {
  fake_house house;
  for (const std::string body : {"", "  ", "{", "{\"a\":}", "nope", "{\"a\":1,}", "'a'"}) {
    CAPTURE(body);
    const auto answer = house.post(body);
    CHECK(answer->status() == 400);
    CHECK(answer->says("invalid_json"));
  }
  const auto deep = house.post(std::string(10'001, '[') + std::string(10'001, ']'));
  CHECK(deep->status() == 400);
  CHECK(deep->says("invalid_json"));
  CHECK(house.post(std::string(10'000, '[') + std::string(10'000, ']'))->status() == 200);
  CHECK(house.appends.size() == 1);
}

TEST_CASE("JSON that the reference accepts is accepted: odd strings, numbers, keys and scalars") {
  fake_house house;
  for (const std::string body :
       {"{\"a\":\"\xFF\"}", "{\"a\":\"\\ud800\"}", "{\"a\":1E400}", "{\"a\":1,\"a\":2}", "[1]", "7",
        "null", "\"x\"", " {} trailing", "{}{}"}) {
    CAPTURE(body);
    CHECK(house.post(body)->status() == 200);
  }
}

TEST_CASE("a body may be as long as the source's limit, and no longer") {
  fake_house house;
  house.source().payload_bytes_max = 20;
  CHECK(house.post(R"({"a":"0123456789ab"})")->status() == 200);
  const auto over = house.post(R"({"a":"0123456789abc"})");
  CHECK(over->body_bytes_max == 20);
  CHECK(over->status() == 413);
  CHECK(over->says("payload_too_large"));
  CHECK(over->sent->close);
  CHECK(house.post(R"({"a":"0123456789ab"} and more)")->status() == 200);
}

TEST_CASE("a scalar that fills the limit exactly might go on behind it, so it is too large") {
  fake_house house;
  house.source().payload_bytes_max = 4;
  CHECK(house.post("1234")->status() == 200);
  CHECK(house.post("12345")->says("payload_too_large"));
  CHECK(house.post("123 5")->status() == 200);
}

TEST_CASE("each failure of the log has its answer") {
  struct row {
    core::errc code;
    int status;
    std::string word, retry_after;
  };
  const std::vector<row> rows{{core::errc::too_large, 413, "payload_too_large", ""},
                              {core::errc::wal_full, 503, "wal_full", "10"},
                              {core::errc::overloaded, 429, "queue_full", "5"},
                              {core::errc::io_failed, 500, "internal_error", ""},
                              {core::errc::closed, 500, "internal_error", ""}};
  fake_house house;
  for (const auto& [code, status, word, retry_after] : rows) {
    CAPTURE(word);
    house.append_outcome = core::error{code, "because"};
    const auto answer = house.post("{}");
    CHECK(answer->status() == status);
    CHECK(answer->says(word));
    CHECK(answer->header("Retry-After") == retry_after);
  }
  CHECK(house.count("bubblefish_errors_total", {{"type", "wal_append"}}) == 2);
  CHECK(house.count("bubblefish_throughput_per_source_total", {{"source", "default"}}) == 0);
  CHECK(house.log->count(core::log_level::error) == 1);
  house.append_outcome = {};
  CHECK(house.post("{}")->status() == 200);
  CHECK(house.log->count(core::log_level::info) == 1);
}

TEST_CASE("a write is not answered before its entry is durable") {
  fake_house house;
  house.append_later = true;
  const auto answer = house.post(message);
  REQUIRE(house.appends.size() == 1);
  CHECK_FALSE(answer->done());
  house.appends[0].done({});
  CHECK(answer->status() == 200);
  CHECK(answer->answers == 1);
}

TEST_CASE("a write in progress survives the door") {
  fake_house house;
  house.append_later = true;
  const auto answer = house.post(message);
  house.close_door();
  house.appends[0].done({});
  CHECK(answer->status() == 200);
}

TEST_CASE("requests with one key while the first is in flight get the first one's answer") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.append_later = true;
  const auto first = house.post("{}", {{"Idempotency-Key", "k"}});
  const auto second = house.post("{}", {{"X-Idempotency-Key", "k"}});
  CHECK_FALSE(second->done());
  REQUIRE(house.appends.size() == 1);
  house.appends[0].done({});
  CHECK(first->status() == 200);
  CHECK(second->body() == first->body());
  CHECK(house.appends.size() == 1);
}

TEST_CASE("when the first request with a key fails, the one that waits is written by itself") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.append_later = true;
  const auto first = house.post("{}", {{"Idempotency-Key", "k"}});
  const auto second = house.post("{}", {{"Idempotency-Key", "k"}});
  house.appends[0].done(core::error{core::errc::wal_full, "full"});
  CHECK(first->says("wal_full"));
  REQUIRE(house.appends.size() == 2);
  CHECK_FALSE(second->done());
  house.appends[1].done({});
  CHECK(second->body() == accepted(*house.appends[1].entry));
}

TEST_CASE("a request with a key that is refused later leaves the key free") {
  fake_house house;
  house.source().idempotency_enabled = true;
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}, {"X-Actor-Type", "robot"}})->status() == 400);
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}})->status() == 200);
  CHECK(house.appends.size() == 1);
}

TEST_CASE("without idempotency a key is kept in the payload, not in the entry") {
  fake_house house;
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}})->status() == 200);
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}})->status() == 200);
  REQUIRE(house.appends.size() == 2);
  CHECK(house.appends[1].entry->idempotency_key.empty());
  CHECK(member(house, "idempotency_key") == "k");
}

TEST_CASE("with idempotency a key is in the payload and in the entry") {
  fake_house house;
  house.source().idempotency_enabled = true;
  house.post("{}", {{"Idempotency-Key", "k"}});
  CHECK(house.appends[0].entry->idempotency_key == "k");
  CHECK(member(house, "idempotency_key") == "k");
}

TEST_CASE("two sources may use the same key for two payloads") {
  fake_house house;
  for (auto& source : house.settings.sources) source.idempotency_enabled = true;
  house.post("{}", {{"Idempotency-Key", "k"}});
  const auto other = house.send(fake_house::make_request(
      "POST", "/inbound/other",
      {{"Authorization", "Bearer key-of-other"}, {"Idempotency-Key", "k"}}, "{}"));
  CHECK(other->status() == 200);
  REQUIRE(house.appends.size() == 2);
  CHECK(other->body() == accepted(*house.appends[1].entry));
}

TEST_CASE("a key from an earlier run is answered with its payload") {
  fake_house house;
  house.source().idempotency_enabled = true;
  core::entry old;
  old.source = "default";
  old.idempotency_key = "k";
  old.payload_id = "id-of-old";
  old.timestamp = "2025-12-31T23:59:00Z";
  house.door().restore(old);
  CHECK(house.post("{}", {{"Idempotency-Key", "k"}})->body() ==
        "{\"payload_id\":\"id-of-old\",\"status\":\"accepted\"}\n");
  CHECK(house.appends.empty());
}

TEST_CASE("a mapping path that cannot be used is logged as an error when the door is made") {
  fake_house house;
  house.source().mapping = {{"content", "messages.[a,b]"}};
  house.door();
  CHECK(house.log->count(core::log_level::error) == 1);
  CHECK(house.log->text().find("messages.[a,b]") != std::string::npos);
}

TEST_CASE("a request that the door did not admit is an internal error") {
  fake_house house;
  int status = 0;
  house.door().on_request(fake_house::make_request("POST", "/inbound/default", {}, "{}"),
                          [&](http::response answer) { status = answer.status; });
  CHECK(status == 500);
  CHECK(house.appends.empty());
}

TEST_CASE("a thousand writes from many threads are all answered, each with its own entry") {
  fake_house house;
  house.source().requests_per_minute = 700;
  std::mutex mutex;
  ingest::ports behind;
  std::vector<std::string> stored;
  behind.append = [&](const std::vector<core::entry_ptr>& entries, const ingest::append_done& done,
                      const std::optional<core::confirmation>&) {
    {
      const std::lock_guard lock(mutex);
      stored.push_back("{\"payload_id\":\"" + entries.at(0)->payload_id +
                       "\",\"status\":\"accepted\"}\n");
    }
    done({});
  };
  ingest::door door(std::make_shared<const config::config>(house.settings), behind, house.log,
                    house.metrics, {.version = "1"});
  door.enter(ingest::door_phase::serving);
  std::vector<std::string> answered;
  int limited = 0;
  std::vector<std::thread> crowd;
  for (int t = 0; t < 8; ++t)
    crowd.emplace_back([&] {
      for (int i = 0; i < 125; ++i) {
        auto request = fake_house::make_request(
            "POST", "/inbound/default", {{"Authorization", "Bearer key-of-default"}}, message);
        request.context = door.on_header(request).context;
        door.on_request(std::move(request), [&](http::response answer) {
          const std::lock_guard lock(mutex);
          if (answer.status == 200) answered.push_back(answer.body);
          if (answer.status == 429) ++limited;
        });
      }
    });
  for (auto& one : crowd) one.join();
  CHECK(answered.size() == 700);
  CHECK(limited == 300);
  std::sort(answered.begin(), answered.end());
  std::sort(stored.begin(), stored.end());
  CHECK(answered == stored);
  CHECK(std::unique(stored.begin(), stored.end()) == stored.end());
}

TEST_CASE(
    "an entry whose metadata cannot fit is refused before the log is asked, other faults first") {
  fake_house house;
  std::string body = "[1";
  while (body.size() < 4'000'000) body += ",1";
  body += ']';
  const auto answer = house.post(body);
  CHECK(answer->status() == 413);
  CHECK(answer->says("payload_too_large"));
  CHECK(house.appends.empty());
  CHECK(house.post(body, {{"X-Actor-Type", "robot"}})->says("invalid_actor_type"));
}
