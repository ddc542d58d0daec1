#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

const std::string page = "https://app.example.com";

bool mentions_cors(const test::reply& answer) {
  const auto& headers = answer.sent->headers;
  return std::any_of(headers.begin(), headers.end(), [](const auto& one) {
    return one.first.starts_with("Access-Control-") || one.first == "Vary";
  });
}

std::shared_ptr<test::reply> preflight(fake_house& house, const std::string& origin,
                                       const std::string& wanted = "authorization,content-type") {
  return house.send(fake_house::make_request("OPTIONS", "/inbound/default",
                                             {{"Origin", origin},
                                              {"Access-Control-Request-Method", "POST"},
                                              {"Access-Control-Request-Headers", wanted}},
                                             ""));
}

}  // namespace

TEST_CASE("without configured origins nothing speaks of other origins") {
  fake_house house;
  CHECK_FALSE(mentions_cors(*preflight(house, page)));
  CHECK_FALSE(mentions_cors(*house.post("{}", {{"Origin", page}})));
  CHECK_FALSE(mentions_cors(*house.get("/health", "", "", {{"Origin", page}})));
}

TEST_CASE("a preflight request from an allowed origin needs no token and gets what it asks for") {
  fake_house house;
  house.settings.cors_origins = {"https://other.example.com", page};
  const auto answer = preflight(house, page);
  CHECK(answer->status() == 204);
  CHECK(answer->header("Access-Control-Allow-Origin") == page);
  CHECK(answer->header("Access-Control-Allow-Methods") == "GET, HEAD, POST, OPTIONS");
  CHECK(answer->header("Access-Control-Allow-Headers") == "authorization,content-type");
  CHECK(answer->header("Access-Control-Max-Age") == "600");
  CHECK(answer->header("Vary") == "Origin");
  CHECK(answer->header("Access-Control-Allow-Credentials").empty());
  CHECK(preflight(house, page, "x-a\r\nSet-Cookie: b")
            ->header("Access-Control-Allow-Headers")
            .empty());
}

TEST_CASE("an origin that is not allowed learns nothing") {
  fake_house house;
  house.settings.cors_origins = {page};
  for (const std::string origin : {"https://evil.example.com", "https://app.example.com.evil.com",
                                   "http://app.example.com", "null"}) {
    CHECK(preflight(house, origin)->header("Access-Control-Allow-Origin").empty());
    const auto answer = house.post("{}", {{"Origin", origin}});
    CHECK(answer->status() == 200);
    CHECK(answer->header("Access-Control-Allow-Origin").empty());
    CHECK(answer->header("Vary") == "Origin");
  }
}

TEST_CASE("answers to an allowed origin can be read there, refusals as well") {
  fake_house house;
  house.settings.cors_origins = {page};
  CHECK(house.post("{}", {{"Origin", page}})->header("Access-Control-Allow-Origin") == page);
  const auto refused = house.get("/query/sqlite", "", "", {{"Origin", page}});
  CHECK(refused->status() == 401);
  CHECK(refused->header("Access-Control-Allow-Origin") == page);
  CHECK(refused->header("Access-Control-Expose-Headers") == "Retry-After");
  CHECK_FALSE(mentions_cors(*house.post("{}")));
}

TEST_CASE("a star allows every origin, and the answer does not depend on it") {
  fake_house house;
  house.settings.cors_origins = {"*"};
  CHECK(preflight(house, page)->header("Access-Control-Allow-Origin") == "*");
  const auto answer = house.post("{}", {{"Origin", page}});
  CHECK(answer->header("Access-Control-Allow-Origin") == "*");
  CHECK(answer->header("Vary").empty());
  CHECK(answer->header("Access-Control-Allow-Credentials").empty());
}
