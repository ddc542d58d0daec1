// What operators may see of the configuration, and what nobody may.
#include "core/json_text.hpp"
#include "tests/ingest/fake_house.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using test::fake_house;

namespace {

/// The policy hash of the first source.
std::string hash_in(const std::string& body) {
  const auto at = body.find("\"policy_hash\":\"");
  return at == std::string::npos ? "" : body.substr(at + 15, 8);
}

std::string hash_of(const config::source_config& source) {
  fake_house house;
  house.settings.sources = {source};
  return hash_in(house.get("/api/policies", "admin")->body());
}

}  // namespace

TEST_CASE("the configuration in force is shown without its secrets, keys sorted") {
  fake_house house;
  house.settings.mcp.api_key = config::secret("key-of-mcp");
  house.settings.wal.path = "/var/wal";
  house.settings.wal.mac = true;
  house.settings.wal.mac_key = config::secret("key-of-mac");
  house.settings.tls.enabled = true;
  house.settings.mode = "safe";
  house.settings.embedding.model = "text-embedding-3-small";
  house.settings.retrieval.half_life_days = 2.5;
  const auto answer = house.get("/api/config", "admin");
  REQUIRE(answer->status() == 200);
  CHECK(answer->body() ==
        R"({"audit":{"dual_write":true,"enabled":false},)"
        R"("daemon":{"bind":"127.0.0.1","log_level":"info","mode":"safe","port":8080,)"
        R"("queue_size":10000},"destinations":["sqlite"],"embedding":{"dimensions":1536,)"
        R"("enabled":false,"model":"text-embedding-3-small","provider":"openai"},)"
        R"("mcp":{"bind":"127.0.0.1",)"
        R"("enabled":false,"port":7474,"source_name":""},"rate_limit":{"global_rpm":2000},)"
        R"("retrieval":{"default_profile":"balanced","half_life_days":2.5,"time_decay":false},)"
        R"("sources":["default","other"],"tls":{"enabled":true,"min_version":"1.2"},)"
        R"("wal":{"encryption_enabled":false,"integrity_mode":"mac","max_segment_size_mb":50,)"
        R"("path":"/var/wal","watchdog_interval_s":30,"watchdog_min_disk":104857600},)"
        R"("web":{"port":0,"require_auth":false}})"
        "\n");
  CHECK(answer->body().find("key-of") == std::string::npos);
}

TEST_CASE("policies are those of the sources by name") {
  fake_house house;
  auto& first = house.source();
  first.name = "z";
  first.can_read = false;
  first.policy.allowed_destinations = {"sqlite", "other"};
  first.policy.max_results = 5;
  first.policy.max_response_bytes = 6;
  const auto body = house.get("/api/policies", "admin")->body();
  const auto at = body.find(R"({"source":"z","can_read":false,"can_write":true,)"
                            R"("allowed_destinations":["sqlite","other"],"max_results":5,)"
                            R"("max_response_bytes":6,"rate_limit_per_min":2000,"policy_hash":")");
  REQUIRE(at != std::string::npos);
  CHECK(body.starts_with(R"({"sources":[{"source":"other",)"));
  CHECK(body.ends_with("\"}]}\n"));
  CHECK(core::json::validate(body).ok());
}

TEST_CASE("a policy's hash changes with each of its rules, and with nothing else") {
  const auto source = test::make_source("a");
  const std::string hash = hash_of(source);
  CHECK(hash.size() == 8);
  CHECK(hash.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(hash_of(source) == hash);
  auto other = source;
  other.api_keys = {config::secret("another key")};
  CHECK(hash_of(other) == hash);
  other.policy.allowed_operations = {"read"};
  const std::string one = hash_of(other);
  other.policy.allowed_operations = {};
  other.policy.allowed_profiles = {"read"};
  const std::string two = hash_of(other);
  other.requests_per_minute = 1;
  CHECK(one != hash);
  CHECK(two != hash);
  CHECK(two != one);
  CHECK(hash_of(other) != two);
}

TEST_CASE("advice names files below the home directory, with line and column") {
  fake_house house;
  house.settings.home = "/srv/nexus";
  CHECK(house.get("/api/lint", "admin")->body() == "{\"warnings\":[]}\n");
  house.findings = std::vector<config::finding>{
      {config::severity::warning,
       "unknown_key",
       "unknown key \"prot\"",
       {"/srv/nexus/daemon.toml", 3, 1}},
      {config::severity::error, "empty_key", "it is empty", {"/srv/nexus/sources/a.toml", 2, 5}}};
  CHECK(house.get("/api/lint", "admin")->body() ==
        R"({"warnings":[{"severity":"warn","code":"unknown_key","message":"unknown key \"prot\"",)"
        R"("file":"daemon.toml","line":3,"column":1},{"severity":"error","code":"empty_key",)"
        R"("message":"it is empty","file":"sources/a.toml","line":2,"column":5}]})"
        "\n");
  house.findings = core::error{core::errc::overloaded, "16 are waiting"};
  CHECK(house.get("/api/lint", "admin")->says("busy"));
}

TEST_CASE("the configuration is for the admin only") {
  fake_house house;
  for (const std::string path : {"/api/config", "/api/policies", "/api/lint"}) {
    CHECK(house.get(path, "")->says("unauthorized"));
    CHECK(house.get(path, "default")->says("wrong_token_class"));
  }
}
