// What a configuration of the HTTP destinations may say.
#include <algorithm>

#include "destinations/http.hpp"
#include "destinations/http_url.hpp"
#include "destinations/registry.hpp"
#include "tests/support/catch.hpp"

using namespace nexus;
using namespace nexus::destinations;

namespace {

/// The names of the keys that are wrong.
std::vector<std::string> wrong_keys(const std::string& type, const core::setting_values& values) {
  const registry types = builtin_types();
  std::vector<std::string> names;
  for (const auto& problem : types.find(type)->schema.check(values)) names.push_back(problem.name);
  return names;
}

using names = std::vector<std::string>;

}  // namespace

TEST_CASE("an http destination needs a URL of http or https with a host") {
  for (const std::string good :
       {"http://h", "https://h/p?q=1", "https://h:8443/{source}/{subject}?id={payload_id}",
        "http://[::1]:80/x"}) {
    INFO(good);
    CHECK(wrong_keys("http", {{"url", good}}).empty());
  }
  for (const std::string bad :
       {"", "h", "ftp://h/", "file:///etc/passwd", "https://", "https:/h", "https:///h/p",
        "https://user:pw@h/", "https://h/{other}", "https://h/{", "https://h/}",
        "https://{source}.h/", "https://h:{source}/", "https://h/\r\nX: y"}) {
    INFO(bad);
    CHECK(wrong_keys("http", {{"url", bad}}) == names{"url"});
  }
}

TEST_CASE("headers that would break a request are refused") {
  const auto keys_for = [](const std::string& name, const std::string& value) {
    return wrong_keys("http", {{"url", "http://h"}, {"headers." + name, value}});
  };
  CHECK(keys_for("X-Team", "a b\tc").empty());
  CHECK(keys_for("Authorization", "Basic eDp5").empty());
  CHECK(keys_for("X-Team", "a\r\nX-Other: b") == names{"headers.X-Team"});
  CHECK(keys_for("X-Team", "a\nb") == names{"headers.X-Team"});
  CHECK(keys_for("X-Team", "") == names{"headers.X-Team"});
  CHECK(keys_for("X Team", "a") == names{"headers.X Team"});
  CHECK(keys_for("X:Team", "a") == names{"headers.X:Team"});
  CHECK(keys_for("", "a") == names{"headers."});
  for (const std::string own : {"Content-Length", "host", "Webhook-Id", "idempotency-key"}) {
    CHECK(keys_for(own, "a") == names{"headers." + own});
  }
  CHECK(
      wrong_keys("http", {{"url", "http://h"}, {"api_key", "k"}, {"headers.authorization", "x"}}) ==
      names{"headers.authorization"});
}

TEST_CASE("keys, secrets and files that do not fit are refused") {
  CHECK(wrong_keys("http", {{"url", "http://h"}, {"api_key", "k\nX: y"}}) == names{"api_key"});
  CHECK(wrong_keys("http", {{"url", "http://h"}, {"signing_secret", "whsec_!"}}) ==
        names{"signing_secret"});
  CHECK(wrong_keys("http", {{"url", "https://h"}, {"key_file", "/k"}}) == names{"key_file"});
  CHECK(
      wrong_keys("http", {{"url", "https://h"}, {"key_file", "/k"}, {"cert_file", "/c"}}).empty());
}

TEST_CASE("supabase and openbrain need a plain URL and a key") {
  for (const std::string type : {"supabase", "openbrain"}) {
    CHECK(wrong_keys(type, {{"url", "https://p.supabase.co/"}, {"api_key", "k"}}).empty());
    CHECK(wrong_keys(type, {{"url", "https://p.supabase.co"}}) == names{"api_key"});
    CHECK(wrong_keys(type, {{"url", "https://p/{source}"}, {"api_key", "k"}}) == names{"url"});
    CHECK(wrong_keys(type, {{"url", "https://p?x=1"}, {"api_key", "k"}}) == names{"url"});
    CHECK(wrong_keys(type, {{"url", "nonsense"}, {"api_key", "k"}}) == names{"url"});
  }
}

TEST_CASE("a wrong setting makes no destination, and a secret is not shown") {
  const registry types = builtin_types();
  for (const std::string type : {"http", "supabase", "openbrain"}) {
    const auto made =
        types.find(type)->make({"hook", type, {{"url", "https://h"}, {"api_key", "hush\nhush"}}});
    REQUIRE_FALSE(made.ok());
    CHECK(made.reason().code == core::errc::bad_config);
    CHECK(made.reason().text.starts_with("destination hook: api_key: "));
    CHECK(made.reason().text.find("hush") == std::string::npos);
  }
}

TEST_CASE("a URL's origin has no path, no query and no default port") {
  CHECK(*url_origin("https://Receiver.example:443/hook?token=hush") == "https://Receiver.example");
  CHECK(*url_origin("http://h:8080") == "http://h:8080");
  CHECK(url_host("https://h:8443/x") == "h:8443");
  CHECK(url_host("nonsense:").empty());
}

TEST_CASE("fields of an entry are encoded in a URL, and are no paths") {
  const auto url = url_template::make("https://h/{source}/{subject}?id={payload_id}");
  REQUIRE(url.ok());
  core::entry entry;
  entry.payload_id = "a&b";
  entry.source = "x/../y";
  entry.subject = "é {source}";
  CHECK(*url->expand(entry) == "https://h/x%2F..%2Fy/%C3%A9%20%7Bsource%7D?id=a%26b");
  entry.subject = "..";
  CHECK_FALSE(url->expand(entry).ok());
  entry.subject = ".";
  CHECK_FALSE(url->expand(entry).ok());
}
