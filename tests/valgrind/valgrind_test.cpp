// The program under valgrind: a short life with all that it does most, and not a block lost.
#include <string>
#include <vector>

#include "tests/http/hostile_requests.hpp"
#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

constexpr int found_something = 99;

/// A server with a destination of each of three types, and one more on request.
struct busy_home : server_home {
  explicit busy_home(const http_receiver& receiver) {
    write("daemon.toml", std::string("[daemon]\nwatch_config = false\nadmin_token = \"") +
                             admin_token +
                             "\"\n[daemon.events]\nenabled = true\n[[daemon.events.sinks]]\n"
                             "name = \"sink\"\nurl = \"" +
                             receiver.url() + "\"\n");
    write("destinations/lines.toml",
          "[destination]\nname = \"lines\"\ntype = \"jsonl\"\npath = \"" + path() +
              "/lines.jsonl\"\n");
    write("destinations/web.toml",
          "[destination]\nname = \"web\"\ntype = \"http\"\nurl = \"" + receiver.url() + "\"\n");
    add_writer("everywhere", R"(["sqlite", "lines", "web"])");
  }
  void add_writer(const std::string& name, const std::string& destinations) const {
    write("sources/" + name + ".toml",
          "[source]\nname = \"" + name + "\"\napi_key = \"bfn_data_" + name +
              "\"\ncan_write = true\ntarget_destinations = " + destinations +
              "\n[source.mapping]\ncontent = \"message.content\"\n");
  }
  void add_destination(const std::string& name) const {
    write("destinations/" + name + ".toml", "[destination]\nname = \"" + name +
                                                "\"\ntype = \"sqlite\"\ndb_path = \"" + path() +
                                                "/" + name + ".db\"\n");
  }
};

int status_of(http_client& client, const std::string& method, const std::string& path,
              const std::string& token, const std::string& body = "") {
  const auto answer = client.request(method, path, as(token), body);
  REQUIRE(answer);
  return answer->status;
}

/// The same request to a path that reads bodies.
std::string to_inbound(const std::string& bytes) {
  const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\n";
  if (!bytes.starts_with(head)) return bytes;
  return "POST /inbound/main HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer " +
         std::string(server_home::main_key) + "\r\n" + bytes.substr(head.size());
}

void write_good_ones(http_client& client) {
  for (int i = 0; i < 20; ++i) payload_id(write_content(client, "entry " + std::to_string(i)));
  for (int i = 0; i < 2; ++i)
    payload_id(write_content(client, "once", "main", {{"X-Idempotency-Key", "k"}}));
  for (int i = 0; i < 5; ++i)
    payload_id(write_content(client, std::string(20'000, 'x'), "everywhere"));
  const std::string batch = R"({"message":{"content":"a"}}
{"message":
{"message":{"content":"b"}}
)";
  const auto answer = client.request(
      "POST", "/inbound/main/batch",
      {{"Authorization", "Bearer bfn_data_main"}, {"Content-Type", "application/x-ndjson"}}, batch);
  REQUIRE(answer);
  CHECK(answer->status == 207);
}

void write_bad_ones(http_client& client, std::uint16_t port) {
  CHECK(status_of(client, "POST", "/inbound/main", server_home::main_key, "{\"a\":") == 400);
  CHECK(status_of(client, "POST", "/inbound/main", "bfn_data_nobody", "{}") == 401);
  CHECK(status_of(client, "GET", "/nowhere", server_home::admin_token) == 404);
  for (const auto* table : {&smuggling_forms(), &bad_chunks(), &garbage(), &oversized()}) {
    for (const auto& one : *table) {
      INFO(one.name);
      http_client bad(port);
      bad.send(to_inbound(one.bytes));
      const auto answer = bad.read_answer();
      CHECK((answer ? answer->status : 0) == one.status);
    }
  }
  http_client half(port);
  half.send("POST /inbound/main HTTP/1.1\r\nHost: a\r\nContent-Le");
}

void look_at_everything(http_client& client) {
  for (const auto* path : {"/metrics", "/api/status", "/api/config", "/api/lint", "/ready",
                           "/api/security/summary", "/api/dlq", "/openapi.json"}) {
    INFO(path);
    CHECK(status_of(client, "GET", path, server_home::admin_token) == 200);
  }
  CHECK(status_of(client, "GET", "/query/sqlite?limit=5", server_home::main_key) == 200);
}

void change_the_configuration(const busy_home& home, http_client& client) {
  const auto reload = [&] {
    return status_of(client, "POST", "/api/reload", server_home::admin_token);
  };
  home.add_destination("late");
  home.add_writer("late", R"(["late"])");
  CHECK(reload() == 200);
  payload_id(write_content(client, "to the late one", "late"));
  home.write("sources/late.toml", "[source\n");
  CHECK(reload() == 422);
  home.add_writer("late", R"(["sqlite"])");
  CHECK(reload() == 200);
  payload_id(write_content(client, "to the first one", "late"));
}

}  // namespace

TEST_CASE("Valgrind sees a lost block and a read behind one") {
  CHECK(run_program({NEXUS_FLAWED, "none"}).status == 0);
  const auto leak = run_program({NEXUS_FLAWED, "leak"});
  CHECK(leak.status == found_something);
  CHECK(leak.err.find("100 bytes in 1 blocks are definitely lost") != std::string::npos);
  const auto overrun = run_program({NEXUS_FLAWED, "overrun"});
  CHECK(overrun.status == found_something);
  CHECK(overrun.err.find("0 bytes after a block of size 100") != std::string::npos);
}

TEST_CASE("A short life of the server loses no memory and touches none that is not its own") {
  http_receiver receiver;
  const busy_home home(receiver);
  const auto server = home.start();
  {
    http_client client(server->port());
    write_good_ones(client);
    write_bad_ones(client, server->port());
    change_the_configuration(home, client);
    look_at_everything(client);
  }
  wait_until_delivered(*server);
  const int status = stop(*server);
  INFO(home.log_end());
  CHECK(status == 0);
}
