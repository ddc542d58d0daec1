// Every refusal of a write, over real HTTP, from one server: its status, its code, its headers, and
// the envelope around it.
#include <string>
#include <vector>

#include "tests/integration/strict_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compress.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

refusal write_of(const std::string& what, const std::string& source, header_list headers,
                 std::string body, int status, std::string code, header_list answer = {}) {
  return {what,
          "POST",
          "/inbound/" + source,
          key_of(source),
          std::move(headers),
          std::move(body),
          status,
          std::move(code),
          std::move(answer)};
}

std::vector<refusal> refused_by_header() {
  const auto json = [](const std::string& type) { return header_list{{"Content-Type", type}}; };
  return {
      {"no token", "POST", "/inbound/main", "", {}, good, 401, "unauthorized"},
      {"an unknown token", "POST", "/inbound/main", "nobody's", {}, good, 401, "unauthorized"},
      {"the admin's token", "POST", "/inbound/main", admin, {}, good, 401, "wrong_token_class"},
      {"MCP's key", "POST", "/inbound/main", "bfn_mcp_key", {}, good, 401, "wrong_token_class"},
      write_of("may not write", "reader", {}, "no JSON", 403, "source_not_permitted_to_write"),
      {"another's path",
       "POST",
       "/inbound/small",
       key_of("main"),
       {},
       good,
       403,
       "source_mismatch"},
      {"nobody's path",
       "POST",
       "/inbound/nobody",
       key_of("main"),
       {},
       good,
       403,
       "source_mismatch"},
      write_of("another destination", "elsewhere", {}, "no JSON", 403, "policy_denied"),
      write_of("another operation", "only_reads", {}, "no JSON", 403, "policy_denied"),
      write_of("plain text", "main", json("text/plain"), good, 415, "unsupported_media_type"),
      write_of("upper case", "main", json("Application/JSON"), good, 415, "unsupported_media_type"),
      write_of("an unknown encoding", "main", {{"Content-Encoding", "br"}}, good, 415,
               "unsupported_encoding", {{"Accept-Encoding", "gzip, deflate, zstd, identity"}}),
  };
}

std::vector<refusal> refused_by_body() {
  const header_list gzipped{{"Content-Encoding", "gzip"}};
  const std::string half = gzip(good).substr(0, 20);
  return {
      write_of("one byte too many", "small", {}, value_of(101), 413, "payload_too_large",
               {{"Connection", "close"}}),
      write_of("one byte too many, decompressed", "small", gzipped, gzip(value_of(101)), 413,
               "payload_too_large", {{"Connection", "close"}}),
      write_of("ten MiB that gzip makes small", "main", gzipped, gzip(value_of((10U << 20U) + 1)),
               413, "payload_too_large"),
      write_of("half a gzip", "main", gzipped, half, 400, "invalid_encoding"),
      write_of("no gzip", "main", gzipped, good, 400, "invalid_encoding"),
      write_of("something that is no zstd", "main", {{"Content-Encoding", "zstd"}}, good, 400,
               "invalid_encoding"),
      write_of("no body", "main", {}, "", 400, "invalid_json"),
      write_of("half a value", "main", {}, "{\"message\":", 400, "invalid_json"),
      write_of("no JSON", "main", {}, "hello", 400, "invalid_json"),
      write_of("10,001 brackets", "main", {}, std::string(10'001, '[') + std::string(10'001, ']'),
               400, "invalid_json"),
      write_of("an unknown actor type", "main", {{"X-Actor-Type", "robot"}}, good, 400,
               "invalid_actor_type"),
      write_of("an actor type in upper case", "main", {{"X-Actor-Type", "User"}}, good, 400,
               "invalid_actor_type"),
      write_of("an unknown tier", "main", {{"X-Classification-Tier", "secret"}}, good, 400,
               "invalid_classification_tier"),
      write_of("no content", "strict", {}, R"({"message":{}})", 422, "empty_content"),
  };
}

}  // namespace

TEST_CASE(
    "Every refusal of a write has its status, its code and its envelope, and stores nothing") {
  const strict_home home;
  const auto server = home.start();
  check_refusals(*server, refused_by_header());
  check_refusals(*server, refused_by_body());
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 0);
}

TEST_CASE("A value, a batch and a number of items exactly at their limits are taken") {
  const strict_home home;
  const auto server = home.start();
  http_client client(server->port());
  const auto post = [&](const std::string& target, const std::string& source,
                        const std::string& body, header_list headers = {}) {
    headers.emplace_back("Authorization", "Bearer " + key_of(source));
    const auto answer = client.request("POST", target, headers, body);
    REQUIRE(answer);
    return answer->status;
  };
  CHECK(post("/inbound/small", "small", value_of(100)) == 200);
  CHECK(post("/inbound/small", "small", gzip(value_of(100)), {{"Content-Encoding", "gzip"}}) ==
        200);
  const header_list lines{{"Content-Type", "application/x-ndjson"}};
  CHECK(post("/inbound/main/batch", "main", value_of(4096), lines) == 200);
  CHECK(post("/inbound/main/batch", "main", "1\n2\n3\n4\n5\n", lines) == 200);
  CHECK(post("/inbound/main", "main", value_of(10U << 20U)) ==
        413);  // a line of the log is shorter
  CHECK(post("/inbound/main", "main", value_of(9U << 20U)) == 200);
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 9);
}

TEST_CASE("Limits that a first request has used up refuse the second") {
  const strict_home home;
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "1", "slow"));
  const auto limited = write_content(client, "2", "slow");
  CHECK(limited.status == 429);
  check_envelope(limited, "rate_limit_exceeded");
  CHECK(limited.header("Retry-After"));

  payload_id(write_content(client, "1", "strict", {{"Idempotency-Key", "k"}}));
  const auto mismatched = write_content(client, "2", "strict", {{"Idempotency-Key", "k"}});
  CHECK(mismatched.status == 422);
  check_envelope(mismatched, "idempotency_mismatch");
  payload_id(write_content(client, "1", "strict", {{"Idempotency-Key", "k"}}));
  CHECK(stop(*server) == 0);
  CHECK(logged_entries(home) == 2);
}
