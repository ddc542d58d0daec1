// Webhook events of a real server.
#include <algorithm>
#include <string>

#include "tests/integration/server_home.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/http_receiver.hpp"

using namespace nexus;
using namespace nexus::test;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// daemon.toml with these sinks.
void set_sinks(const server_home& home, const std::string& sinks) {
  home.write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                                server_home::admin_token + "\"\n[daemon.events]\nenabled = true\n" +
                                sinks);
}

std::string sink(const std::string& name, const std::string& url, const std::string& more = "") {
  return "[[daemon.events.sinks]]\nname = \"" + name + "\"\nurl = \"" + url + "\"\n" + more;
}

}  // namespace

TEST_CASE("A write is told to each sink, once for each destination, beside a sink that is dead") {
  const server_home home;
  http_receiver plain, whole;
  set_sinks(home, sink("dead", "http://127.0.0.1:1/") + sink("plain", plain.url()) +
                      sink("whole", whole.url(), "content = \"full\"\n"));
  home.write("destinations/other.toml",
             "[destination]\nname = \"other\"\ntype = \"sqlite\"\ndb_path = \"" + home.path() +
                 "/other.db\"\n");
  home.write("sources/both.toml",
             "[source]\nname = \"both\"\napi_key = \"bfn_data_both\"\ncan_write = true\n"
             "target_destinations = [\"sqlite\", \"other\"]\n"
             "[source.mapping]\ncontent = \"message.content\"\n");
  const auto server = home.start();
  http_client client(server->port());
  const std::string id = payload_id(write_content(client, "hello <b>", "both"));
  CHECK(write_content(client, "", "nobody").status == 401);
  // A stop sends what waits.
  CHECK(stop(*server) == 0);

  const auto told = plain.take().requests;
  REQUIRE(told.size() == 2);
  for (const std::string destination : {"sqlite", "other"})
    CHECK(std::any_of(told.begin(), told.end(), [&](const auto& one) {
      return holds(one.body, "\"payload_id\":\"" + id + "\",\"source\":\"both\"") &&
             holds(one.body, "\"destination\":\"" + destination + "\",\"timestamp\":\"20");
    }));
  CHECK_FALSE(holds(told[0].body, "hello"));
  const auto all = whole.take().requests;
  REQUIRE(all.size() == 2);
  CHECK(holds(all[0].body, "\"content\":{\"payload_id\":\"" + id + "\""));
  CHECK(holds(all[0].body, R"("content":"hello \u003cb\u003e")"));
  CHECK(holds(home.log(), "event sink \"dead\" (127.0.0.1:1) does not take events"));
}

TEST_CASE("A sink that hangs delays neither a write nor its delivery, and a stop gives it up") {
  const server_home home;
  http_receiver hanging;
  set_sinks(home, sink("hanging", hanging.url_to("hang"), "timeout_seconds = 3600\n"));
  const auto server = home.start();
  http_client client(server->port());
  for (int i = 0; i < 100; ++i) payload_id(write_content(client, std::to_string(i)));
  wait_until_delivered(*server);
  const auto metrics = client.request("GET", "/metrics", as(server_home::admin_token));
  REQUIRE(metrics);
  CHECK(holds(metrics->body, "bubblefish_events_delivered_total 0"));
  CHECK(holds(metrics->body, "bubblefish_events_dropped_total 0"));
  CHECK(stop(*server) == 0);
  CHECK(holds(home.log(), "events were not sent before the stop"));
}
