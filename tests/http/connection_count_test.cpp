// Who holds how many connections, without connections.
#include "http/connection_count.hpp"

#include <string>

#include "tests/support/catch.hpp"

using nexus::http::connection_count;
using verdict = connection_count::verdict;

namespace {

std::string client(const char* address) {
  return connection_count::client_of(boost::asio::ip::make_address(address));
}

}  // namespace

TEST_CASE("all clients together and each of them have a limit") {
  connection_count count(3, 2);
  const auto first = client("192.0.2.1");
  const auto second = client("192.0.2.2");
  CHECK(count.enter(first) == verdict::admitted);
  CHECK(count.enter(first) == verdict::admitted);
  CHECK(count.enter(first) == verdict::crowded);
  CHECK(count.enter(second) == verdict::admitted);
  CHECK(count.enter(second) == verdict::full);
  CHECK(count.enter(first) == verdict::full);
  count.leave(first);
  CHECK(count.enter(second) == verdict::admitted);
}

TEST_CASE("clients that have gone are forgotten") {
  connection_count count(1'000'000, 10);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i)
      REQUIRE(count.enter(client(
                  ("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)).c_str())) ==
              verdict::admitted);
    CHECK(count.clients() == 1000);
    for (int i = 0; i < 1000; ++i)
      count.leave(
          client(("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)).c_str()));
    CHECK(count.clients() == 0);
    CHECK(count.connections() == 0);
  }
}

TEST_CASE("an IPv6 client counts by its network, since it has all of its addresses") {
  CHECK(client("2001:db8:1:2::1") == client("2001:db8:1:2:ffff::1"));
  CHECK(client("2001:db8:1:2::1") != client("2001:db8:1:3::1"));
  CHECK(client("192.0.2.1") != client("192.0.2.2"));
}
