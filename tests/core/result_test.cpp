#include "core/result.hpp"

#include <cerrno>
#include <memory>
#include <set>
#include <string>

#include "core/random.hpp"
#include "tests/support/catch.hpp"

using namespace nexus::core;

TEST_CASE("a result holds a value or the reason why there is none") {
  result<std::string> good = std::string("value");
  CHECK(good.ok());
  CHECK(static_cast<bool>(good));
  CHECK(*good == "value");
  CHECK(good->size() == 5);
  result<std::string> bad = error{errc::not_found, "no such thing"};
  CHECK_FALSE(bad.ok());
  CHECK(bad.reason().code == errc::not_found);
  CHECK(bad.reason().text == "no such thing");
  result<void> nothing;
  CHECK(nothing.ok());
  result<void> failed = error{errc::closed, "closed"};
  CHECK(failed.reason().code == errc::closed);
}

TEST_CASE("a result hands its value over, even one that can't be copied") {
  result<std::unique_ptr<int>> holder = std::make_unique<int>(7);
  auto taken = *std::move(holder);
  CHECK(*taken == 7);
}

TEST_CASE("errors of the operating system get the code of the reaction and say what failed") {
  CHECK(os_error(ENOSPC, "cannot write x").code == errc::wal_full);
  CHECK(os_error(EDQUOT, "cannot write x").code == errc::wal_full);
  CHECK(os_error(ENOENT, "cannot open x").code == errc::not_found);
  CHECK(os_error(EIO, "cannot sync x").code == errc::io_failed);
  CHECK(os_error(EIO, "cannot sync x").text.starts_with("cannot sync x: "));
  CHECK(os_error(EIO, "cannot sync x").number == EIO);
}

TEST_CASE("every error code has a name of its own") {
  std::set<std::string> names;
  for (int code = 1; code <= 12; ++code) names.insert(to_string(static_cast<errc>(code)));
  CHECK(names.size() == 12);
  CHECK(names.count("unknown") == 0);
}

TEST_CASE("random identifiers have two lower-case hex digits a byte and differ") {
  auto one = random_hex(16);
  CHECK(one.size() == 32);
  CHECK(one.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(one != random_hex(16));
  CHECK(random_hex(0).empty());
}
