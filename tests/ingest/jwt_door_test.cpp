// JSON Web Tokens at the door: where keys come from, who waits for them, and whom a token stands
// for.
#include <deque>

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/token_maker.hpp"

using namespace nexus;
using test::fake_house;
using test::signing_key;
using test::token_header;

namespace {

/// A door whose keys the test hands out.
struct jwt_house {
  const signing_key key{signing_key::kind::p256};
  config::config settings = [] {
    config::config standard = fake_house().settings;
    standard.jwt.enabled = true;
    standard.jwt.jwks_url = "https://id.example.com/keys";
    return standard;
  }();
  core::metrics metrics;
  std::shared_ptr<test::recording_logger> log = std::make_shared<test::recording_logger>();
  std::chrono::steady_clock::time_point steady{};
  std::deque<std::pair<std::string, ingest::fetch_done>> fetches;  ///< not answered yet
  int asked = 0;
  std::vector<core::entry_ptr> appended;
  std::unique_ptr<ingest::door> door;

  void open() {
    ingest::ports behind;
    behind.append = [this](std::vector<core::entry_ptr> entries, const ingest::append_done& done,
                           const std::optional<core::confirmation>&) {
      appended.push_back(entries.front());
      done({});
    };
    behind.find = [](const destinations::query&, const ingest::query_done& done) {
      done(destinations::query_page{});
    };
    behind.state = [] { return ingest::pipeline_state{}; };
    behind.fetch_jwks = [this](std::string url, ingest::fetch_done done) {
      ++asked;
      fetches.emplace_back(std::move(url), std::move(done));
    };
    ingest::door_options options;
    options.clock = [] { return core::time_point(std::chrono::seconds(1'767'225'600)); };
    options.steady_clock = [this] { return steady; };
    door = std::make_unique<ingest::door>(std::make_shared<const config::config>(settings), behind,
                                          log, metrics, options);
    door->enter(ingest::door_phase::serving);
  }

  /// Answers the oldest fetch.
  void answer(core::result<std::string> with) {
    REQUIRE_FALSE(fetches.empty());
    const auto done = std::move(fetches.front().second);
    fetches.pop_front();
    done(std::move(with));
  }

  std::string token(const std::string& claims, const std::string& kid = "k") const {
    return key.sign("ES256", token_header("ES256", kid), claims);
  }

  std::shared_ptr<test::reply> send(const std::string& bearer, std::string body = "{}",
                                    const std::string& path = "/inbound/default",
                                    const std::string& method = "POST") {
    return test::send(*door, fake_house::make_request(method, path,
                                                      {{"Authorization", "Bearer " + bearer}},
                                                      std::move(body)));
  }

  std::string keys(const std::string& kid = "k") const { return test::jwk_set(key.jwk(kid)); }
  double failures() {
    return metrics.get_counter("bubblefish_auth_failures_total", "", {{"source", "unknown"}})
        .value();
  }
};

const std::string for_default = R"({"sub":"default"})";

}  // namespace

TEST_CASE("a token whose claim is a source's name stands for that source") {
  jwt_house house;
  house.open();
  CHECK(house.fetches.front().first == "https://id.example.com/keys");
  house.answer(house.keys());
  CHECK(house.send(house.token(for_default))->status() == 200);
  REQUIRE(house.appended.size() == 1);
  CHECK(house.appended[0]->source == "default");
  CHECK(house.send(house.token(R"({"sub":"other"})"))->says("source_mismatch"));
  CHECK(house.send(house.token(for_default), "", "/query/sqlite", "GET")->status() == 200);
  CHECK(house.send("key-of-default")->status() == 200);
  CHECK(house.failures() == 0);
}

TEST_CASE("a token for no source, or that is expired or forged, is unauthorized") {
  jwt_house house;
  house.open();
  house.answer(house.keys());
  const signing_key other(signing_key::kind::p256);
  CHECK(house.send(house.token(R"({"sub":"nobody"})"))->says("unauthorized"));
  CHECK(house.send(house.token(R"({"sub":"_admin"})"))->says("unauthorized"));
  CHECK(house.send(house.token(R"({"sub":"default","exp":1})"))->says("unauthorized"));
  const auto forged = other.sign("ES256", token_header("ES256", "k"), for_default);
  CHECK(house.send(forged)->says("unauthorized"));
  CHECK(house.failures() == 4);
  CHECK(house.log->text().find(forged) == std::string::npos);
}

TEST_CASE("another claim can name the source, and an audience can be demanded") {
  jwt_house house;
  house.settings.jwt.claim_to_source = "client_id";
  house.settings.jwt.audience = "nexus";
  house.open();
  house.answer(house.keys());
  CHECK(house.send(house.token(R"({"client_id":"default","aud":"nexus"})"))->status() == 200);
  CHECK(house.send(house.token(R"({"client_id":"default"})"))->status() == 401);
  CHECK(house.send(house.token(R"({"sub":"default","aud":"nexus"})"))->status() == 401);
}

TEST_CASE("tokens open no routes of the admin, and none at all where they are switched off") {
  jwt_house house;
  house.open();
  house.answer(house.keys());
  CHECK(house.send(house.token(for_default), "", "/api/status", "GET")->says("unauthorized"));
  jwt_house off;
  off.settings.jwt.enabled = false;
  off.open();
  CHECK(off.asked == 0);
  CHECK(off.send(off.token(for_default))->says("unauthorized"));
}

TEST_CASE("a request whose token names a key that is not there waits for the keys") {
  jwt_house house;
  house.open();
  const auto early = house.send(house.token(for_default), R"({"message":{"content":"early"}})");
  CHECK_FALSE(early->done());
  house.answer(house.keys());
  CHECK(early->status() == 200);
  CHECK(early->answers == 1);
  REQUIRE(house.appended.size() == 1);
  CHECK(house.appended[0]->payload.find("early") != std::string::npos);
}

TEST_CASE("a request that waited is refused if the key is not among those that came") {
  jwt_house house;
  house.open();
  const auto waiting = house.send(house.token(for_default, "new"));
  house.answer(house.keys());
  CHECK(waiting->says("unauthorized"));
  CHECK(house.failures() == 1);
  CHECK(house.fetches.empty());
}

TEST_CASE("what a source may not do it may not do after waiting either") {
  jwt_house house;
  house.settings.sources[0].can_write = false;
  house.settings.sources[1].payload_bytes_max = 10;
  house.open();
  const auto forbidden = house.send(house.token(for_default));
  const auto large = house.send(house.token(R"({"sub":"other"})"), R"({"a":"longer than that"})",
                                "/inbound/other");
  house.answer(house.keys());
  CHECK(forbidden->says("source_not_permitted_to_write"));
  CHECK(large->says("payload_too_large"));
}

TEST_CASE("logs that were cut off while the keys were missing are refused in the form of OTLP") {
  jwt_house house;
  house.open();
  const std::string body = R"({"resourceLogs":[)" + std::string(20'000, ' ') + "]}";
  const auto cut = house.send(house.token(for_default), body, "/v1/logs");
  house.answer(house.keys());
  CHECK(cut->status() == 503);
  CHECK(cut->body().starts_with(R"({"code":14,"error":"busy","message":")"));
  CHECK(cut->header("Retry-After") == "1");
}

TEST_CASE("keys are fetched again for an unknown key, but at most once a minute") {
  jwt_house house;
  house.open();
  house.answer(house.keys("old"));
  const auto first = house.send(house.token(for_default, "k"));
  CHECK(house.asked == 2);
  CHECK_FALSE(first->done());
  house.answer(house.keys("old"));
  CHECK(first->status() == 401);
  for (int i = 0; i < 5; ++i) CHECK(house.send(house.token(for_default, "k"))->status() == 401);
  CHECK(house.asked == 2);
  house.steady += std::chrono::seconds(60);
  const auto later = house.send(house.token(for_default, "k"));
  CHECK(house.asked == 3);
  house.answer(house.keys("k"));
  CHECK(later->status() == 200);
}

TEST_CASE("a failed fetch is a warning, and the keys that were there stay") {
  jwt_house house;
  house.open();
  house.answer(core::error{core::errc::unreachable, "connection refused"});
  CHECK(house.log->count(core::log_level::warn) == 1);
  CHECK(house.log->text().find("connection refused") != std::string::npos);
  const auto waiting = house.send(house.token(for_default));
  house.answer(house.keys());
  CHECK(waiting->status() == 200);
  house.steady += std::chrono::hours(1);
  CHECK(house.send(house.token(for_default))->status() == 200);
  CHECK(house.asked == 3);  // an hour old and in use
  house.answer(std::string("<html>"));
  CHECK(house.send(house.token(for_default))->status() == 200);
}

TEST_CASE("not more than a number of requests wait for keys") {
  jwt_house house;
  house.open();
  std::vector<std::shared_ptr<test::reply>> all;
  for (std::size_t i = 0; i < ingest::jwks_cache::waiting_max + 5; ++i)
    all.push_back(house.send(house.token(for_default)));
  std::size_t refused = 0;
  for (const auto& one : all) refused += one->done() ? 1 : 0;
  CHECK(refused == 5);
  house.answer(house.keys());
  for (const auto& one : all) CHECK(one->done());
}

TEST_CASE("not more of them wait either where all headers were there before the first body") {
  jwt_house house;
  house.open();
  std::vector<http::request> requests;
  for (std::size_t i = 0; i < ingest::jwks_cache::waiting_max + 5; ++i) {
    requests.push_back(
        fake_house::make_request("POST", "/inbound/default",
                                 {{"Authorization", "Bearer " + house.token(for_default)}}, "{}"));
    auto decision = house.door->on_header(requests.back());
    REQUIRE_FALSE(decision.refuse);
    requests.back().context = std::move(decision.context);
  }
  std::size_t answered = 0, refused = 0;
  for (auto& one : requests)
    house.door->on_request(std::move(one), [&](const http::response& response) {
      ++answered;
      refused += response.status == 401 ? 1 : 0;
    });
  CHECK(answered == 5);
  CHECK(refused == 5);
  house.answer(house.keys());
  CHECK(answered == ingest::jwks_cache::waiting_max + 5);
  CHECK(refused == 5);
}

TEST_CASE("before it is known who sends, only a small body is taken") {
  jwt_house house;
  house.open();
  const std::string large = R"({"a":")" + std::string(20'000, 'b') + R"("})";
  const auto first = house.send(house.token(for_default), large);
  CHECK(first->body_bytes_max == 16 * 1024);
  house.answer(house.keys());
  CHECK(first->status() == 503);
  CHECK(first->says("busy"));
  CHECK(first->header("Retry-After") == "1");
  CHECK(house.appended.empty());
  CHECK(house.send(house.token(for_default), large)->status() == 200);
}

TEST_CASE("a request that waits when the door goes is answered all the same") {
  jwt_house house;
  house.open();
  const auto waiting = house.send(house.token(for_default));
  house.door.reset();
  house.answer(house.keys());
  CHECK(waiting->status() == 200);
}

TEST_CASE("a new place for the keys counts from then on") {
  jwt_house house;
  house.open();
  house.answer(house.keys());
  CHECK(house.send(house.token(for_default))->status() == 200);
  auto next = house.settings;
  next.jwt.jwks_url = "https://other.example.com/keys";
  house.door->apply(std::make_shared<const config::config>(next));
  const auto waiting = house.send(house.token(for_default));
  CHECK_FALSE(waiting->done());
  CHECK(house.fetches.front().first == "https://other.example.com/keys");
  next.jwt.enabled = false;
  house.door->apply(std::make_shared<const config::config>(next));
  CHECK(waiting->says("unauthorized"));
  CHECK(house.send(house.token(for_default))->says("unauthorized"));
}

TEST_CASE("keys that come late from the old place are none of the new one") {
  jwt_house house;
  house.open();
  auto next = house.settings;
  next.jwt.jwks_url = "https://other.example.com/keys";
  house.door->apply(std::make_shared<const config::config>(next));
  house.answer(house.keys());
  const auto waiting = house.send(house.token(for_default));
  CHECK_FALSE(waiting->done());
  house.answer(house.keys("another"));
  CHECK(waiting->says("unauthorized"));
}
