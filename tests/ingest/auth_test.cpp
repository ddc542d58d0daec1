#include "ingest/auth.hpp"

#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::ingest;

TEST_CASE("a bearer token is what follows the exact prefix, trimmed") {
  CHECK(bearer_token("Bearer abc") == "abc");
  CHECK(bearer_token("Bearer  \tabc ") == "abc");
  CHECK(bearer_token("Bearer a b") == "a b");
  CHECK_FALSE(bearer_token(std::nullopt));
  CHECK_FALSE(bearer_token(""));
  CHECK_FALSE(bearer_token("Bearer"));
  CHECK_FALSE(bearer_token("Bearer   "));
  CHECK_FALSE(bearer_token("bearer abc"));
  CHECK_FALSE(bearer_token("Basic abc"));
}

TEST_CASE("a token is recognised as a source's or the admin's, whatever its length") {
  test::fake_house house;
  house.source(1).api_keys = {config::secret(std::string(1000, 'k'))};
  const authenticator auth(house.settings);
  CHECK(auth.recognise("Bearer key-of-admin").kind == token_class::admin);
  CHECK(auth.recognise("Bearer key-of-default").kind == token_class::source);
  CHECK(auth.recognise("Bearer key-of-default").source == 0);
  CHECK(auth.recognise("Bearer " + std::string(1000, 'k')).source == 1);
  CHECK(auth.recognise("Bearer " + std::string(999, 'k')).kind == token_class::unknown);
  CHECK(auth.recognise("Bearer key-of-defaul").kind == token_class::unknown);
  CHECK(auth.recognise("Bearer key-of-default2").kind == token_class::unknown);
  CHECK(auth.recognise(std::nullopt).kind == token_class::unknown);
}

TEST_CASE("of several keys that fit, the last source's wins, and a source's before the admin's") {
  test::fake_house house;
  for (auto& source : house.settings.sources) source.api_keys = {config::secret("same")};
  house.settings.admin_token = config::secret("same");
  const auto who = authenticator(house.settings).recognise("Bearer same");
  CHECK(who.kind == token_class::source);
  CHECK(who.source == 1);
}

TEST_CASE("a request without a valid token is unauthorized, and is counted") {
  test::fake_house house;
  const std::vector<http::header_list> attempts{
      {}, {{"Authorization", "Bearer nope"}}, {{"X-API-Key", "key-of-default"}}};
  for (const auto& headers : attempts) {
    const auto answer =
        house.send(test::fake_house::make_request("POST", "/inbound/default", headers, "{}"));
    CHECK(answer->status() == 401);
    CHECK(answer->says("unauthorized"));
    CHECK(answer->refused_early);
  }
  CHECK(house.count("bubblefish_auth_failures_total", {{"source", "unknown"}}) == 3);
  CHECK(house.appends.empty());
}

TEST_CASE("a token of the wrong class is refused as such") {
  test::fake_house house;
  const auto write = house.send(test::fake_house::make_request(
      "POST", "/inbound/default", {{"Authorization", "Bearer key-of-admin"}}, "{}"));
  CHECK(write->status() == 401);
  CHECK(write->says("wrong_token_class"));
  for (const std::string path : {"/api/status", "/metrics"}) {
    const auto answer = house.get(path, "default");
    CHECK(answer->status() == 401);
    CHECK(answer->says("wrong_token_class"));
    CHECK(house.get(path, "")->says("unauthorized"));
    CHECK(house.get(path, "admin")->status() == 200);
  }
}

TEST_CASE("neither tokens nor bodies reach the log") {
  test::fake_house house;
  house.get("/api/status", "default");
  house.post("{\"message\":{\"content\":\"confidential words\"}}");
  house.append_outcome = core::error{core::errc::io_failed, "disk gone"};
  house.post("{\"message\":{\"content\":\"confidential words\"}}");
  CHECK(house.log->text().find("disk gone") != std::string::npos);
  CHECK(house.log->text().find("key-of") == std::string::npos);
  CHECK(house.log->text().find("confidential") == std::string::npos);
}
