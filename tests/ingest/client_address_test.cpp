#include "ingest/client_address.hpp"

#include "tests/support/catch.hpp"

using namespace nexus;
using ingest::client_addresses;

namespace {

/// What a request from `peer` with these headers counts as.
std::string address(const std::string& peer, http::header_list headers,
                    std::vector<std::string> cidrs = {"10.0.0.0/8", "fd00::/9", "192.0.2.7/32"},
                    std::vector<std::string> names = {"X-Real-IP", "X-Forwarded-For"}) {
  config::config settings;
  settings.trusted_proxy_cidrs = std::move(cidrs);
  settings.forwarded_headers = std::move(names);
  http::request request;
  request.peer_address = peer;
  request.headers = std::move(headers);
  return client_addresses(settings).of(request);
}

}  // namespace

TEST_CASE("forwarded headers are believed only from a trusted proxy") {
  const http::header_list headers{{"X-Forwarded-For", "203.0.113.9"}};
  CHECK(address("10.1.2.3", headers) == "203.0.113.9");
  CHECK(address("192.0.2.7", headers) == "203.0.113.9");
  CHECK(address("::ffff:10.1.2.3", headers) == "203.0.113.9");
  CHECK(address("fd7f::1", headers) == "203.0.113.9");
  CHECK(address("fd80::1", headers) == "fd80::1");
  CHECK(address("11.0.0.1", headers) == "11.0.0.1");
  CHECK(address("192.0.2.8", headers) == "192.0.2.8");
  CHECK(address("10.1.2.3", {}) == "10.1.2.3");
  CHECK(address("10.1.2.3", headers, {}) == "10.1.2.3");
  CHECK(address("10.1.2.3", headers, {"10.0.0.0/8"}, {}) == "10.1.2.3");
}

TEST_CASE("a range of IPv6 addresses does not hold IPv4 ones, and the widest hold all of theirs") {
  const http::header_list headers{{"X-Forwarded-For", "203.0.113.9"}};
  CHECK(address("10.1.2.3", headers, {"::/0"}) == "10.1.2.3");
  CHECK(address("2001:db8::1", headers, {"::/0"}) == "203.0.113.9");
  CHECK(address("10.1.2.3", headers, {"0.0.0.0/0"}) == "203.0.113.9");
  CHECK(address("2001:db8::1", headers, {"0.0.0.0/0"}) == "2001:db8::1");
  CHECK(address("10.1.2.3", headers, {"::ffff:10.0.0.0/104"}) == "203.0.113.9");
  CHECK(address("10.127.0.1", headers, {"10.64.0.0/10"}) == "203.0.113.9");
  CHECK(address("10.128.0.1", headers, {"10.64.0.0/10"}) == "10.128.0.1");
}

TEST_CASE("the first header that is not empty counts, and its leftmost element") {
  const std::string peer = "10.0.0.1";
  CHECK(address(peer, {{"X-Forwarded-For", " 203.0.113.9 , 10.0.0.5"}}) == "203.0.113.9");
  CHECK(address(peer, {{"X-Forwarded-For", "203.0.113.9"}, {"X-Real-IP", "198.51.100.4"}}) ==
        "198.51.100.4");
  CHECK(address(peer, {{"X-Forwarded-For", "203.0.113.9"}, {"x-real-ip", " "}}) == "203.0.113.9");
  CHECK(address(peer, {{"X-Forwarded-For", ", 203.0.113.9"}}) == peer);
}

TEST_CASE("ports, brackets, quotes and the for= of Forwarded are taken off") {
  const auto of = [](const std::string& value) {
    return address("10.0.0.1", {{"Forwarded", value}}, {"10.0.0.0/8"}, {"Forwarded"});
  };
  CHECK(of("203.0.113.9:567") == "203.0.113.9");
  CHECK(of("2001:DB8::1") == "2001:db8::1");
  CHECK(of("[2001:db8::1]:8080") == "2001:db8::1");
  CHECK(of("for=203.0.113.9;proto=http, for=10.0.0.5") == "203.0.113.9");
  CHECK(of("proto=https; For=\"[2001:db8::1]:4711\"") == "2001:db8::1");
  CHECK(of("::ffff:203.0.113.9") == "203.0.113.9");
}

TEST_CASE("what is no address does not become one") {
  for (const std::string value :
       {"unknown", "for=_hidden", "203.0.113.9 evil", "203.0.113", "<script>", "fe80::1%eth0",
        "[::1", "1.2.3.4:5:6", "for=", "\"", "203.0.113.9\nx"}) {
    INFO(value);
    CHECK(address("10.0.0.1", {{"X-Forwarded-For", value}}) == "10.0.0.1");
  }
}
