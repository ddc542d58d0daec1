#include "ingest/routes.hpp"

#include "ingest/url.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::ingest;

TEST_CASE("each endpoint is found under its path and method") {
  struct row {
    std::string method, path;
    endpoint target;
    access_level needs;
  };
  const std::vector<row> rows{
      {"POST", "/inbound/default", endpoint::inbound, access_level::data},
      {"POST", "/inbound/default/batch", endpoint::batch, access_level::data},
      {"POST", "/v1/memories", endpoint::memories, access_level::data},
      {"POST", "/v1/logs", endpoint::logs, access_level::data},
      {"POST", "/events", endpoint::events, access_level::data},
      {"GET", "/query/sqlite", endpoint::query, access_level::data},
      {"GET", "/health", endpoint::health, access_level::open},
      {"GET", "/ready", endpoint::ready, access_level::open},
      {"GET", "/api/status", endpoint::status, access_level::admin},
      {"POST", "/api/shutdown", endpoint::shutdown, access_level::admin},
      {"GET", "/metrics", endpoint::metrics, access_level::admin},
      {"GET", "/api/destinations", endpoint::destinations, access_level::admin},
      {"POST", "/api/destinations/sqlite/pause", endpoint::pause, access_level::admin},
      {"POST", "/api/destinations/sqlite/resume", endpoint::resume, access_level::admin},
      {"POST", "/api/consistency", endpoint::consistency, access_level::admin},
      {"GET", "/api/dlq", endpoint::dead_letters, access_level::admin},
      {"GET", "/api/dlq/p1", endpoint::dead_letter, access_level::admin},
      {"POST", "/api/dlq/redrive", endpoint::redrive, access_level::admin},
      {"POST", "/api/dlq/purge", endpoint::purge, access_level::admin},
  };
  for (const auto& [method, path, target, needs] : rows) {
    CAPTURE(path);
    const auto match = find_route(method, path);
    REQUIRE(match.found);
    CHECK(match.found->target == target);
    CHECK(match.found->needs == needs);
  }
}

TEST_CASE("a path that is not exactly a route is not found") {
  for (const std::string path :
       {"/", "/nope", "/health/", "/inbound/", "/inbound", "/inbound/a/b", "/inbound/a/",
        "/api/destinations/", "/api/destinations//pause", "/api/destinations/pause",
        "/api/destinations/a/b/pause", "/api/destinations/a/pause/", "//health", "/Health",
        "/query%2Fsqlite"}) {
    CAPTURE(path);
    const auto match = find_route("GET", path);
    CHECK_FALSE(match.found);
    CHECK(match.refusal.status == 404);
  }
}

TEST_CASE("a wrong method is refused with all that the path knows") {
  for (const std::string method : {"GET", "HEAD", "DELETE", "post", ""}) {
    CAPTURE(method);
    const auto match = find_route(method, "/inbound/default");
    CHECK_FALSE(match.found);
    CHECK(match.refusal.status == 405);
    CHECK(match.refusal.headers == http::header_list{{"Allow", "POST, OPTIONS"}});
  }
  CHECK(find_route("POST", "/health").refusal.headers ==
        http::header_list{{"Allow", "GET, HEAD, OPTIONS"}});
}

TEST_CASE("HEAD finds what GET finds, but for the path that comes first") {
  const auto match = find_route("HEAD", "/query/sqlite");
  REQUIRE(match.found);
  CHECK(match.found->target == endpoint::query);
  CHECK(match.found->needs == access_level::data);
  CHECK(match.found->parameter == "sqlite");
  CHECK(find_route("HEAD", "/api/dlq/purge").refusal.status == 405);
  CHECK(find_route("GET", "/api/dlq/purge").refusal.headers ==
        http::header_list{{"Allow", "POST, OPTIONS"}});
}

TEST_CASE("OPTIONS is told the methods of a path, and nothing of a path that is none") {
  const auto match = find_route("OPTIONS", "/api/dlq");
  CHECK_FALSE(match.found);
  CHECK(match.refusal.status == 204);
  CHECK(match.refusal.body.empty());
  CHECK(match.refusal.headers == http::header_list{{"Allow", "GET, HEAD, OPTIONS"}});
  CHECK(find_route("OPTIONS", "/nope").refusal.status == 404);
  CHECK(find_route("OPTIONS", "*").refusal.status == 404);
}

TEST_CASE("a source name is decoded unless the path has escapes that it does not need") {
  const auto name = [](const std::string& segment) {
    const auto match = find_route("POST", "/inbound/" + segment);
    return match.found ? match.found->parameter : "(none)";
  };
  CHECK(name("a%20b") == "a b");
  CHECK(name("caf%C3%A9") == "caf\xC3\xA9");
  CHECK(name("caf%c3%a9") == "caf%c3%a9");
  CHECK(name("a%2Fb") == "a%2Fb");
  CHECK(name("%41") == "%41");
  CHECK(name("a+b") == "a+b");
  CHECK(name("a!b") == "a!b");
  CHECK(name("a%3Fb") == "a?b");
}

TEST_CASE("the name of a destination in the middle of a path is decoded whatever it is") {
  const auto name = [](const std::string& segment) {
    const auto match = find_route("POST", "/api/destinations/" + segment + "/pause");
    return match.found ? match.found->parameter : "(none)";
  };
  CHECK(name("plain") == "plain");
  CHECK(name("pause") == "pause");
  CHECK(name("a%20b") == "a b");
  CHECK(name("a%2Fb") == "a/b");
  CHECK(name("%41+%c3%a9") == "A+\xC3\xA9");
  CHECK(name("a%252Fb") == "a%2Fb");
  for (const std::string any : {"plain", "a b/c?d#e%2F", "caf\xC3\xA9", "+&=;", "~-_."})
    CHECK(name(encode_segment(any)) == any);
  CHECK(find_route("GET", "/api/destinations/a/pause").refusal.status == 405);
  CHECK(find_route("POST", "/api/destinations/a%/pause").refusal.status == 400);
}

TEST_CASE("a malformed escape in a path is a bad request") {
  for (const std::string path : {"/inbound/a%", "/inbound/a%4", "/inbound/a%zz"}) {
    CAPTURE(path);
    CHECK(find_route("POST", path).refusal.status == 400);
  }
}

TEST_CASE("query parameters are decoded, and the first of a name wins") {
  const auto parameters = query_parameters("q=a+b%26c&q=second&&limit=&flag&bad=%zz&x;y=1&e=1=2");
  CHECK(parameters == std::map<std::string, std::string, std::less<>>{
                          {"q", "a b&c"}, {"limit", ""}, {"flag", ""}, {"e", "1=2"}});
}
