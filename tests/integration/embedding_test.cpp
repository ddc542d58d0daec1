// Embeddings from a provider to the database, through a real server.
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

void set_provider(const server_home& home, const std::string& url, const std::string& more = "") {
  home.write("daemon.toml", std::string("[daemon]\nmode = \"simple\"\nadmin_token = \"") +
                                server_home::admin_token +
                                "\"\n[daemon.embedding]\nenabled = true\ndimensions = 3\nurl = \"" +
                                url + "\"\n" + more);
}

}  // namespace

TEST_CASE("A content's embedding goes with it into the database, and comes back") {
  const server_home home;
  http_receiver provider;
  set_provider(home,
               provider.url_to("body=%7B%22data%22:[%7B%22embedding%22:[0.5,-0.25,1e-7]%7D]%7D"),
               "api_key = \"SESAME\"\n");
  const auto server = home.start();
  http_client client(server->port());
  payload_id(write_content(client, "some text"));
  wait_until_delivered(*server);
  const auto page = client.request("GET", "/query/sqlite", as(server_home::main_key));
  REQUIRE(page);
  CHECK(holds(page->body, R"("embedding":[0.5,-0.25,1e-7])"));
  CHECK(stop(*server) == 0);
  const auto asked = provider.take().requests;
  REQUIRE(asked.size() == 1);
  CHECK(holds(asked[0].body, R"("input":"some text")"));
  CHECK_FALSE(holds(home.log(), "SESAME"));
}

TEST_CASE("With a provider that is down or hangs entries are written without embeddings") {
  http_receiver provider;
  for (const auto& url : {std::string("http://127.0.0.1:1"), provider.url_to("hang")}) {
    const server_home home;
    set_provider(home, url, "timeout_seconds = 1\n");
    const auto server = home.start();
    http_client client(server->port());
    payload_id(write_content(client, "some text"));
    payload_id(write_content(client, "more"));
    wait_until_delivered(*server);
    const auto page = client.request("GET", "/query/sqlite", as(server_home::main_key));
    REQUIRE(page);
    CHECK(holds(page->body, "\"result_count\":2"));
    CHECK_FALSE(holds(page->body, "embedding"));
    CHECK(stop(*server) == 0);
    CHECK(holds(home.log(), "entries are written without embeddings"));
  }
}
